import {
  daemonSets,
  isNotFound,
  pods,
  replicaSets,
  statefulSets,
  type Kubernetes,
  type KubernetesObject,
  type Pod,
} from '@talon/client-kubernetes'
import { z } from 'zod'

/** A number of replicas, or a percentage of the wanted ones. */
export const minHealthyReplicas = z
  .union([
    z.number().int('is no whole number').min(0),
    z.string().regex(/^(\d{1,6}|\d{1,2}%|100%)$/, 'is neither a number nor a percentage: write "2" or "33%"'),
  ])
  .optional()
  .describe(
    'Replicas of the owner that must be ready after the action: a number, or a percentage of the wanted ones, rounded up',
  )

export type MinHealthyReplicas = z.output<typeof minHealthyReplicas>

/** The controller that made the pod. */
export function ownerOf({ metadata }: KubernetesObject) {
  return metadata?.ownerReferences?.find(({ controller }) => controller)
}

/** How many replicas an owner has. */
export interface Replicas {
  /** `ReplicaSet 'web-7d9'` */
  readonly owner: string
  readonly wanted: number
  readonly ready: number
}

/** Counts the replicas of the pod's owner, now; undefined where it has no owner that keeps a number of them. */
export async function replicasOf(
  pod: Pod,
  kubernetes: Pick<Kubernetes, 'get' | 'list'>,
  signal: AbortSignal,
): Promise<Replicas | undefined> {
  const { kind = '', name = '', uid } = ownerOf(pod) ?? {}
  const { namespace } = pod.metadata ?? {}
  const told = await toldOf({ kind, name, namespace }, kubernetes, signal)
  if (!told) return undefined
  // The owner's status comes after the pods: of two events that come one after the other, the second would still count
  // the pod that the first took.
  const labelSelector = Object.entries(told.labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
  const all = await kubernetes.list({ ...pods, namespace }, { labelSelector, signal })
  const seen = all.filter((one) => ownerOf(one)?.uid === uid && isReady(one)).length
  return { owner: `${kind} '${name}'`, wanted: told.wanted, ready: Math.min(seen, told.ready) }
}

interface Told {
  readonly wanted: number
  readonly ready: number
  /** That its pods have, and perhaps others. */
  readonly labels: Readonly<Record<string, string>>
}

/** What the owner tells of its replicas. */
async function toldOf(
  { kind, name, namespace }: { readonly kind: string; readonly name: string; readonly namespace: string | undefined },
  kubernetes: Pick<Kubernetes, 'get'>,
  signal: AbortSignal,
): Promise<Told | undefined> {
  try {
    if (kind === 'DaemonSet') {
      const { spec, status } = await kubernetes.get({ ...daemonSets, namespace, name }, signal)
      const labels = spec?.selector.matchLabels ?? {}
      return { wanted: status?.desiredNumberScheduled ?? 0, ready: status?.numberReady ?? 0, labels }
    }
    if (kind !== 'ReplicaSet' && kind !== 'StatefulSet') return undefined
    const resource = kind === 'ReplicaSet' ? replicaSets : statefulSets
    const { spec, status } = await kubernetes.get({ ...resource, namespace, name }, signal)
    return { wanted: spec?.replicas ?? 1, ready: status?.readyReplicas ?? 0, labels: spec?.selector.matchLabels ?? {} }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Whether the pod is one of its owner's ready replicas. */
export function isReady({ metadata, status }: Pod): boolean {
  const ready = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false
  return ready && metadata?.deletionTimestamp === undefined
}

/** How many must be ready. */
export function wantedReady(min: NonNullable<MinHealthyReplicas>, wanted: number): number {
  const text = String(min)
  return text.endsWith('%') ? Math.ceil((wanted * Number(text.slice(0, -1))) / 100) : Number(text)
}

/** Why a pod of an owner stays, with the setting and the counts. `left`: of its replicas, how many would be ready. */
export function tooFew(
  min: NonNullable<MinHealthyReplicas>,
  { owner, wanted, left, needed }: Omit<Replicas, 'ready'> & { readonly left: number; readonly needed: number },
): string {
  return `${owner} would have ${left} of ${wanted} replicas ready, and ${needed} must be: min_healthy_replicas is ${min}`
}
