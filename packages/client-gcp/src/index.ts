export { gcp, type Gcp } from './gcp.ts'
export type { GcpAnswer, GcpRequest } from './exchange.ts'
