import { definePlugin } from '@talon/plugin'
import { gcs } from './gcs.ts'

export { gcs }
export default definePlugin({ name: '@talon/output-gcs', provides: [gcs] })
