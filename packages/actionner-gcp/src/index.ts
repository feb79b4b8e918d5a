import { definePlugin } from '@talon/plugin'
import { gcpFunction } from './function.ts'

export { gcpFunction }
export default definePlugin({ name: '@talon/actionner-gcp', provides: [gcpFunction] })
