import { ActionError, ignored, POD_UID, type Event, type Notes, type Result } from '@talon/plugin'
import { isNotFound, isReplaced, refusalOf, replaced } from './failure.ts'
import { pods, type Pod, type Target } from './objects.ts'

/** What is known of the event's pod: every actionner whose `needs` are `{ pod: podName, namespace }` has it. */
export interface PodJob {
  readonly event: Event
  readonly fields: { readonly pod: string; readonly namespace: string }
  readonly notes: Notes
  readonly signal: AbortSignal
}

/** A pod as it was read: it has a name and a UID. */
export type FoundPod = Pod & {
  readonly metadata: NonNullable<Pod['metadata']> & { name: string; namespace: string; uid: string }
  readonly spec: NonNullable<Pod['spec']>
}

/** The pod, or why there is none. */
export type FindPod = (job: PodJob) => Promise<FoundPod | string>
/** Runs `act` with the pod of the event. The result is `ignored` where the pod is gone, or another bears its name now. */
export type OnPod = (job: PodJob, act: (pod: FoundPod) => Promise<Result>) => Promise<Result>

/** How much a node's clock may be behind the API server's, in milliseconds. */
const SKEW = 5000
/** Falco writes the first twelve digits of a container's id. */
const CONTAINER_ID = /^[0-9a-f]{12,64}$/

/** A pod's name, which it may have had from another. */
export interface Named {
  readonly namespace: string
  readonly name: string
}

/** Fails where another pod bears the name now: for reads by name, which carry no UID. Ask after the read has begun. */
export type ConfirmPod = (pod: Named & { readonly uid: string }, signal: AbortSignal) => Promise<void>

type Get = (target: Target<Pod>, signal: AbortSignal) => Promise<Pod>
type GetOnce = (event: Event, target: Target<Pod>, signal: AbortSignal) => Promise<Pod>

/** The ways to the event's pod. `get` reads anew, `getOnce` once an event. */
export function createPodFinder(
  get: Get,
  getOnce: GetOnce,
): { readonly findPod: FindPod; readonly onPod: OnPod; readonly confirmPod: ConfirmPod } {
  async function findPod({ event, fields, notes, signal }: PodJob): Promise<FoundPod | string> {
    const { pod: name, namespace } = fields
    const target = { ...pods, namespace, name }
    let pod: Pod
    try {
      pod = await getOnce(event, target, signal)
    } catch (error) {
      if (isNotFound(error))
        return `there is no pod '${name}' in namespace '${namespace}': it is gone already, or never was`
      throw error
    }
    if (!isFound(pod)) throw new ActionError(`the API answered something that is no pod for '${name}'`)
    const doubt = doubtAbout(pod, event, notes.get(POD_UID))
    if (doubt) return `the pod '${name}' in namespace '${namespace}' is not the one of the event: ${doubt}`
    notes.set(POD_UID, pod.metadata.uid)
    return pod
  }

  return {
    findPod,
    async confirmPod({ name, namespace, uid }, signal) {
      const now = await get({ ...pods, namespace, name }, signal)
      if (now.metadata?.uid !== uid) throw replaced({ verb: 'get', resource: pods.resource, namespace, name }, uid)
    },
    async onPod(job, act) {
      const pod = await findPod(job)
      const { pod: name, namespace } = job.fields
      if (typeof pod === 'string') return ignored(pod, { pod: name, namespace })
      try {
        return await act(pod)
      } catch (error) {
        if (isReplaced(error) && isAbout(error, name))
          return ignored(`the pod '${name}' in namespace '${namespace}' was replaced meanwhile`, {
            pod: name,
            namespace,
          })
        if (isNotFound(error) && isAbout(error, name))
          return ignored(`the pod '${name}' in namespace '${namespace}' went meanwhile`, { pod: name, namespace })
        throw error
      }
    },
  }
}

const isFound = (pod: Pod): pod is FoundPod => Boolean(pod.metadata?.name && pod.metadata.uid && pod.spec)

/** A 404 may be about a node, or about the kind itself. */
function isAbout(error: unknown, name: string): boolean {
  const { kind = '', name: about } = refusalOf(error)?.details ?? {}
  return /^pods?$/i.test(kind) && about === name
}

/** Why this is not the pod that the event tells of; undefined where it is. */
export function doubtAbout(pod: FoundPod, event: Event, noted?: string): string | undefined {
  const { uid, creationTimestamp } = pod.metadata
  const meant = noted ?? event.fields['k8s.pod.uid']
  if (meant !== undefined)
    return meant === uid ? undefined : `its UID is ${uid}, and the event's pod had ${JSON.stringify(meant)}`
  const wanted = event.fields['container.id'] ?? ''
  const ids = containerIds(pod)
  if (CONTAINER_ID.test(wanted) && ids.some((id) => id.startsWith(wanted))) return undefined
  // A container that restarted twice is forgotten by the status. One that runs, and is another, earns no allowance.
  const strange = CONTAINER_ID.test(wanted) && ids.length >= pod.spec.containers.length
  const born = Date.parse(creationTimestamp ?? '')
  if (born <= event.at + (strange ? 0 : SKEW)) return undefined
  return `it was created at ${creationTimestamp}, after the event`
}

/** The ids of its containers, those of now and those that ended last, without the runtime's name. */
export function containerIds({ status }: Pod): string[] {
  const kept = [status?.containerStatuses, status?.initContainerStatuses, status?.ephemeralContainerStatuses]
  return kept
    .flatMap((statuses) => statuses ?? [])
    .flatMap(({ containerID, state, lastState }) => [
      containerID,
      state?.terminated?.containerID,
      lastState?.terminated?.containerID,
    ])
    .flatMap((id) => (id ? [id.replace(/^[a-z0-9-]+:\/\//, '')] : []))
}
