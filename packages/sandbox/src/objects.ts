/** Any JSON object. */
export type Json = Record<string, unknown>

export const isMap = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface Meta {
  name: string
  namespace?: string
  generateName?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  managedFields?: Json[]
  finalizers?: string[]
}

/** An object of the Kubernetes API, as far as the sandbox looks into it. */
export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: Meta
  spec?: Json
  status?: Json
  [key: string]: unknown
}

/** A container of a pod, as far as scripts of a test look into it. */
export interface Container {
  readonly name: string
  readonly image?: string
}

/** A pod, as far as scripts of a test look into it. */
export interface Pod extends KubeObject {
  spec: Json & { containers: Container[]; ephemeralContainers?: Container[]; nodeName?: string }
  status?: Json & { phase?: string; containerStatuses?: Json[]; ephemeralContainerStatuses?: Json[] }
}

/** Kubernetes writes times of metadata to the second. */
export const inSeconds = (seconds: number) =>
  new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')

export const secondsNow = () => inSeconds(0)

/** The owner that makes more of the object when it goes. */
export const controllerOf = ({ metadata }: KubeObject): OwnerReference | undefined =>
  metadata.ownerReferences?.find(({ controller }) => controller)

/** Whether a pod counts as healthy: it is ready, and not on its way out. */
export function isReady({ metadata, status }: KubeObject): boolean {
  const conditions = (status?.['conditions'] ?? []) as { type: string; status: string }[]
  return (
    metadata.deletionTimestamp === undefined &&
    conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True')
  )
}

export const isFinished = ({ status }: KubeObject): boolean =>
  status?.['phase'] === 'Succeeded' || status?.['phase'] === 'Failed'
