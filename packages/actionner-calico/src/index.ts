import { definePlugin } from '@talon/plugin'
import { networkpolicy } from './networkpolicy.ts'

export { networkpolicy }
export default definePlugin({ name: '@talon/actionner-calico', provides: [networkpolicy] })
