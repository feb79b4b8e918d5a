import { definePlugin } from '@talon/plugin'
import { lambda } from './lambda.ts'

export { lambda }
export default definePlugin({ name: '@talon/actionner-aws', provides: [lambda] })
