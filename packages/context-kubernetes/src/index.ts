import { definePlugin } from '@talon/plugin'
import { k8snode } from './k8snode.ts'

export { k8snode }
export default definePlugin({ name: '@talon/context-kubernetes', provides: [k8snode] })
