import { definePlugin } from '@talon/plugin'
import { ntfy } from './ntfy.ts'

export default definePlugin({ name: 'talon-plugin-ntfy', provides: [ntfy] })
