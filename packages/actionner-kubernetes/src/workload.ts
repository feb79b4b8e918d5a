import { createHash } from 'node:crypto'
import {
  daemonSets,
  isNotFound,
  pods,
  replicaSets,
  statefulSets,
  type FoundPod,
  type Kubernetes,
  type KubernetesObject,
  type Resource,
  type Write,
} from '@talon/client-kubernetes'
import { ownerOf } from './healthy.ts'
import { isEmpty, withoutHashes, type Selector } from './selector.ts'

/** The pods that a policy is about. */
export interface Workload {
  /** `deployment-web`, `pod-web-0-1a2b3c4d`: part of a name. */
  readonly name: string
  /** Never empty. */
  readonly selector: Selector
  /** For people: `Deployment 'web'` */
  readonly words: string
}

interface Owner extends KubernetesObject {
  readonly spec?: { readonly selector?: Selector }
}
const RESOURCES: Readonly<Record<string, Resource<Owner>>> = {
  ReplicaSet: replicaSets,
  StatefulSet: statefulSets,
  DaemonSet: daemonSets,
}
/** Marks one pod, by its UID: what makes pods does not know the label, so no other one gets it. */
const MARK = 'falco-talon/pod'

/** All pods of the pod's owner; undefined where they share no label that says so. */
export async function workloadOf(
  pod: FoundPod,
  kubernetes: Kubernetes,
  signal: AbortSignal,
): Promise<Workload | undefined> {
  const { kind = '', name = '' } = ownerOf(pod) ?? {}
  const resource = Object.hasOwn(RESOURCES, kind) ? RESOURCES[kind] : undefined
  if (!resource) return undefined
  const { namespace } = pod.metadata
  const owner = await kubernetes.get({ ...resource, namespace, name }, signal).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
  const selector = withoutHashes(owner?.spec?.selector ?? {})
  if (!owner || isEmpty(selector)) return undefined
  // A Deployment's ReplicaSets come and go with its versions.
  const top = ownerOf(owner) ?? { kind, name }
  return { name: `${top.kind.toLowerCase()}-${top.name}`, selector, words: `${top.kind} '${top.name}'` }
}

/** The one pod, marked with a label. */
export async function markedPod(pod: FoundPod, kubernetes: Kubernetes, write: Write): Promise<Workload> {
  const { name, namespace, uid, labels } = pod.metadata
  if (labels?.[MARK] !== uid)
    await kubernetes.merge({ ...pods, namespace, name }, { metadata: { uid, labels: { [MARK]: uid } } }, write)
  return { name: `pod-${name}-${uid.slice(0, 8)}`, selector: { matchLabels: { [MARK]: uid } }, words: `pod '${name}'` }
}

const LONGEST = 253

/** A name of an object of Talon's own: shortened where it is too long, and never the same for two workloads. */
export function objectName({ name }: Workload): string {
  const full = `talon-${name.toLowerCase().replaceAll(/[^a-z0-9.-]/g, '-')}`
  if (full.length <= LONGEST) return full
  const digest = createHash('sha256').update(full).digest('hex').slice(0, 8)
  return `${full.slice(0, LONGEST - 9).replace(/[^a-z0-9]+$/, '')}-${digest}`
}
