/** Any JSON object. */
export type Json = Record<string, unknown>

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/#System */
export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

/** The metadata of an object, as far as the sandbox looks into it. */
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

/** A container of a pod's spec, likewise. */
export interface Container {
  readonly name: string
  readonly image?: string
}

/** A pod, as far as scripts of a test look into it. */
export interface Pod extends KubeObject {
  spec: Json & {
    containers: Container[]
    initContainers?: Container[]
    ephemeralContainers?: Container[]
    nodeName?: string
  }
  status?: Json & { phase?: string; containerStatuses?: Json[]; ephemeralContainerStatuses?: Json[] }
}
