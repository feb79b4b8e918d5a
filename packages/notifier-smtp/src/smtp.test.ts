import { checkPlugin } from '@talon/testing'
import plugin from './index.ts'

checkPlugin(plugin)
