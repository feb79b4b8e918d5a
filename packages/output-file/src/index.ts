import { definePlugin } from '@talon/plugin'
import { file } from './file.ts'

export { file }
export default definePlugin({ name: '@talon/output-file', provides: [file] })
