import { definePlugin } from '@talon/plugin'
import { context } from './context.ts'

export default definePlugin({ name: '__PACKAGE__', provides: [context] })
