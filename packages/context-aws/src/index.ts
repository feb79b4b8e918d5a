import { definePlugin } from '@talon/plugin'
import { aws } from './aws.ts'

export { aws }
export default definePlugin({ name: '@talon/context-aws', provides: [aws] })
