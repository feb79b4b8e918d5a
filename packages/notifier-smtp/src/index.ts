import { definePlugin } from '@talon/plugin'
import { smtp } from './smtp.ts'

export { smtp }
export default definePlugin({ name: '@talon/notifier-smtp', provides: [smtp] })
