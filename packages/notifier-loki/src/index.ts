import { definePlugin } from '@talon/plugin'
import { loki } from './loki.ts'

export { loki }
export default definePlugin({ name: '@talon/notifier-loki', provides: [loki] })
