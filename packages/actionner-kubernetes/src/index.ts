import { definePlugin } from '@talon/plugin'
import { label } from './label.ts'
import { log } from './log.ts'
import { terminate } from './terminate.ts'

export { label, log, terminate }
export default definePlugin({ name: '@talon/actionner-kubernetes', provides: [label, log, terminate] })
