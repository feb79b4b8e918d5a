import { definePlugin } from '@talon/plugin'
import { webhook } from './webhook.ts'

export { bodyOf, webhookBody, type WebhookBody } from './body.ts'
export { webhook }
export default definePlugin({ name: '@talon/notifier-webhook', provides: [webhook] })
