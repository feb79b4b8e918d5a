export { gcp, type Gcp } from './gcp.ts'
export type { GcpAnswer, GcpRequest } from './request.ts'
