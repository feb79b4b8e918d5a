import { definePlugin } from '@talon/plugin'
import { k8sevents } from './k8sevents.ts'

export { k8sevents }
export default definePlugin({ name: '@talon/notifier-k8sevents', provides: [k8sevents] })
