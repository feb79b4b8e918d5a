import { definePlugin } from '@talon/plugin'
import { slack } from './slack.ts'

export { slack }
export default definePlugin({ name: '@talon/notifier-slack', provides: [slack] })
