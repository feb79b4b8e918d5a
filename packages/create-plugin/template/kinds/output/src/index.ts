import { definePlugin } from '@talon/plugin'
import { output } from './output.ts'

export default definePlugin({ name: '__PACKAGE__', provides: [output] })
