import type {
  V1DaemonSet,
  V1Job,
  V1NetworkPolicy,
  V1Node,
  V1Pod,
  V1ReplicaSet,
  V1StatefulSet,
} from '@kubernetes/client-node'

/** An object as the API writes it: times are text. */
export type Json<T> = T extends Date
  ? string
  : T extends readonly (infer E)[]
    ? Json<E>[]
    : T extends object
      ? { [K in keyof T]: Json<T[K]> }
      : T

// As the API writes them; what each holds is in https://kubernetes.io/docs/reference/kubernetes-api/.
export type Pod = Json<V1Pod>
export type Node = Json<V1Node>
export type ReplicaSet = Json<V1ReplicaSet>
export type StatefulSet = Json<V1StatefulSet>
export type DaemonSet = Json<V1DaemonSet>
export type Job = Json<V1Job>
export type NetworkPolicy = Json<V1NetworkPolicy>

/** What every object has. */
export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: NonNullable<Pod['metadata']>
}

/** A kind as paths name it. `T` is what its objects look like. */
export interface Resource<T = KubernetesObject> {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  /** Plural: `pods`. */
  readonly resource: string
  /** Never there: carries the type. */
  readonly object?: T
}

/** The objects of a kind, in a namespace or in all. */
export interface Collection<T = KubernetesObject> extends Resource<T> {
  readonly namespace?: string | undefined
}

/** One object. */
export interface Target<T = KubernetesObject> extends Collection<T> {
  readonly name: string
  /** `eviction`, `ephemeralcontainers`. */
  readonly subresource?: string
}

/** Any of them. */
export type Place<T = KubernetesObject> = Collection<T> & Partial<Omit<Target<T>, keyof Collection>>

// Kinds that plugins speak of, for targets: `{ ...pods, namespace: 'default', name: 'web-0' }`.
const core = { group: '', version: 'v1' }
const apps = { group: 'apps', version: 'v1' }
export const pods: Resource<Pod> = { ...core, resource: 'pods' }
export const nodes: Resource<Node> = { ...core, resource: 'nodes' }
export const replicaSets: Resource<ReplicaSet> = { ...apps, resource: 'replicasets' }
export const statefulSets: Resource<StatefulSet> = { ...apps, resource: 'statefulsets' }
export const daemonSets: Resource<DaemonSet> = { ...apps, resource: 'daemonsets' }
export const jobs: Resource<Job> = { group: 'batch', version: 'v1', resource: 'jobs' }
export const replicationControllers: Resource = { ...core, resource: 'replicationcontrollers' }
export const networkPolicies: Resource<NetworkPolicy> = {
  group: 'networking.k8s.io',
  version: 'v1',
  resource: 'networkpolicies',
}

/** The path of a kind, a collection or an object. Each part is one segment, whatever it holds. */
export function pathOf({ group, version, resource, namespace, name, subresource }: Place<unknown>): string {
  const inside = namespace === undefined ? [] : ['namespaces', namespace]
  const parts = [...(group ? ['apis', group] : ['api']), version, ...inside, resource, name, subresource]
  return `/${parts.flatMap((part) => (part === undefined ? [] : [segment(part)])).join('/')}`
}

/** `.` and `..` would be folded away by URL parsers on the way. */
function segment(part: string): string {
  if (part === '' || part === '.' || part === '..') throw new TypeError(`${JSON.stringify(part)} names no object`)
  return encodeURIComponent(part)
}
