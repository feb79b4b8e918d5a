import { definePlugin } from '@talon/plugin'
import { s3 } from './s3.ts'

export { s3 }
export default definePlugin({ name: '@talon/output-s3', provides: [s3] })
