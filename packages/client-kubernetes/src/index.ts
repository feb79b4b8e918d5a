export type { Kubernetes, LogCall, Removal, Selection, Write } from './api.ts'
export type { Served, Sought } from './discovery.ts'
export type { ExecCall, Execution } from './exec.ts'
export { hostNetwork, type Allowed, type Egress } from './egress.ts'
export { isNotFound, isReplaced, refusalOf, type Refusal } from './failure.ts'
export { kubernetes } from './kubernetes.ts'
export {
  daemonSets,
  jobs,
  networkPolicies,
  nodes,
  pods,
  replicaSets,
  statefulSets,
  type Collection,
  type DaemonSet,
  type Job,
  type KubernetesObject,
  type NetworkPolicy,
  type Node,
  type Pod,
  type ReplicaSet,
  type Resource,
  type StatefulSet,
  type Target,
} from './objects.ts'
export { containerIds, type FoundPod, type PodJob } from './pod.ts'
export { isolate, type Isolation, type PolicyForm, type PolicyObject, type Scope, type Selected } from './policy.ts'
export { toldOf } from './policy-result.ts'
export { allowCidr, allowedBy, allowNamespaces, policyPermissions, policyScope } from './policy-parameters.ts'
