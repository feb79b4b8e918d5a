import type { Kubernetes } from './api.ts'
import { isNotFound } from './failure.ts'
import { daemonSets, jobs, replicaSets, replicationControllers, statefulSets, type Resource } from './objects.ts'
import type { FoundPod } from './pod.ts'

/** What made a pod, and what its pods have in common. */
export interface Workload {
  /** `Deployment`, `StatefulSet` ...; `Pod` where nothing made it. */
  readonly kind: string
  readonly name: string
  /** Labels that all its pods have, and keep over a roll-out; empty where they share none. */
  readonly labels: Readonly<Record<string, string>>
}

/** The label that tells one pod apart: its value is made from the pod's UID. */
export const ISOLATED = 'talon/isolated'

/** Labels that controllers put on pods to tell generations, or single pods, apart. */
const HASHES: ReadonlySet<string> = new Set([
  ISOLATED,
  'pod-template-hash',
  'rollouts-pod-template-hash',
  'pod-template-generation',
  'controller-revision-hash',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'controller-uid',
  'job-name',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-name',
  'batch.kubernetes.io/job-completion-index',
])

type Labels = Readonly<Record<string, string>>
interface Selector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly unknown[]
}
/** The part of an owner that is read. */
interface Owner {
  readonly metadata?: FoundPod['metadata']
  readonly spec?: {
    /** A ReplicationController's is a plain map. */
    readonly selector?: Selector | Labels
    readonly template?: { readonly metadata?: { readonly labels?: Labels } }
  }
}

const OWNERS: Readonly<Record<string, Resource>> = {
  'apps/ReplicaSet': replicaSets,
  'apps/StatefulSet': statefulSets,
  'apps/DaemonSet': daemonSets,
  'batch/Job': jobs,
  '/ReplicationController': replicationControllers,
}

/** Finds what made the pod. Of an owner that is unknown, or gone, the pod's own labels tell. */
export async function workloadOf(
  { metadata }: FoundPod,
  kubernetes: Pick<Kubernetes, 'get'>,
  signal: AbortSignal,
): Promise<Workload> {
  const own = lasting(metadata.labels)
  const reference = controllerOf(metadata)
  if (!reference) return { kind: 'Pod', name: metadata.name, labels: own }
  const { kind, name, apiVersion } = reference
  const resource = OWNERS[`${apiVersion.includes('/') ? apiVersion.split('/')[0] : ''}/${kind}`]
  if (!resource) return { kind, name, labels: own }
  try {
    const owner = (await kubernetes.get({ ...resource, namespace: metadata.namespace, name }, signal)) as Owner
    // A Deployment's ReplicaSets and a CronJob's Jobs come and go: the policy is to outlive them.
    const above = controllerOf(owner.metadata)
    return { kind: above?.kind ?? kind, name: above?.name ?? name, labels: sharedBy(owner) }
  } catch (error) {
    if (isNotFound(error)) return { kind, name, labels: own }
    throw error
  }
}

const controllerOf = (metadata: FoundPod['metadata'] | undefined) =>
  metadata?.ownerReferences?.find(({ controller }) => controller)

/** Labels of the selector. Those of the template are as good where the selector has more than labels, or hashes alone. */
function sharedBy({ spec }: Owner): Labels {
  const selector = spec?.selector ?? {}
  const isPlain = Object.values(selector).every((value) => typeof value === 'string')
  const { matchLabels, matchExpressions } = isPlain ? { matchLabels: selector as Labels } : (selector as Selector)
  const selected = matchExpressions?.length ? {} : lasting(matchLabels)
  return Object.keys(selected).length ? selected : lasting(spec?.template?.metadata?.labels)
}

function lasting(labels: Labels = {}): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !HASHES.has(key)))
}
