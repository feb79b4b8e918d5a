import { definePlugin } from '@talon/plugin'
import { elasticsearch } from './elasticsearch.ts'

export { elasticsearch }
export default definePlugin({ name: '@talon/notifier-elasticsearch', provides: [elasticsearch] })
