import { randomBytes, randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Container, Json, KubeObject, Pod } from './objects.ts'
import { ephemeralCauses, podCauses } from './podspec.ts'
import type { ContainerState, StartScript } from './script.ts'
import { badRequest, forbidden, invalid, type Cause } from './status.ts'
import { secondsNow } from './store.ts'

const POD = { kind: 'Pod', group: '' }
const SECOND = 1000

const containerId = () => `containerd://${randomBytes(32).toString('hex')}`

const RUNNING: ContainerState = { running: {} }

function statusOfContainer({ name, image = '' }: Container, state = RUNNING): Json {
  const status = { name, image, ready: false, started: false, restartCount: 0 }
  if ('waiting' in state) return { ...status, imageID: '', state }
  const running = {
    ...status,
    imageID: `sandbox/${image}`,
    containerID: containerId(),
    ready: true,
    started: true,
    state: { running: { startedAt: secondsNow() } },
  }
  return 'terminated' in state ? ended(running, state.terminated.exitCode, state.terminated) : running
}

const stateOf = (status: Json) => status['state'] as { waiting?: object; terminated?: { exitCode: number } }

/** The phase of a pod, by its containers. */
function phaseOf(statuses: readonly Json[]): string {
  const states = statuses.map(stateOf)
  if (states.some(({ waiting }) => waiting)) return 'Pending'
  if (!states.length || states.some(({ terminated }) => !terminated)) return 'Running'
  return states.every(({ terminated }) => terminated?.exitCode === 0) ? 'Succeeded' : 'Failed'
}

const ended = (status: Json, exitCode: number, more: object = {}): Json => ({
  ...status,
  ready: false,
  started: false,
  state: {
    terminated: {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAt: secondsNow(),
      finishedAt: secondsNow(),
      containerID: status['containerID'],
      ...more,
    },
  },
})

/** A pod that has a node runs at once, and looks as kubelet says it does; one without a node waits. */
export function runPod(object: KubeObject, starts?: StartScript): KubeObject {
  const pod = object as Pod
  if (pod.status?.phase) return object
  if (!pod.spec?.nodeName) return { ...pod, status: { ...pod.status, phase: 'Pending', qosClass: 'BestEffort' } }
  const address = `198.51.100.${1 + ((randomBytes(1)[0] ?? 0) % 254)}`
  const statuses = (pod.spec.containers ?? []).map((container) =>
    statusOfContainer(container, starts?.({ pod, container: container.name })),
  )
  const isReady = statuses.every((container) => container['ready'] === true)
  const condition = (type: string, holds = true) => ({
    type,
    status: holds ? 'True' : 'False',
    lastTransitionTime: secondsNow(),
  })
  const status: Json = {
    phase: phaseOf(statuses),
    conditions: [
      condition('PodScheduled'),
      condition('Initialized'),
      condition('ContainersReady', isReady),
      condition('Ready', isReady),
    ],
    hostIP: '192.0.2.1',
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: secondsNow(),
    qosClass: 'BestEffort',
    ...(pod.spec.initContainers && {
      initContainerStatuses: pod.spec.initContainers.map((container) => ended(statusOfContainer(container), 0)),
    }),
    containerStatuses: statuses,
  }
  return {
    ...pod,
    metadata: { ...pod.metadata, uid: pod.metadata.uid ?? randomUUID() },
    status: { ...pod.status, ...status },
  }
}

/** A pod whose containers have all ended. */
export function endPod(object: KubeObject, exitCode: number): KubeObject {
  const { status = {} } = object as Pod
  const conditions = ['Ready', 'ContainersReady'].map((type) => ({ type, status: 'False', reason: 'PodCompleted' }))
  return {
    ...object,
    status: {
      ...status,
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      conditions,
      containerStatuses: (status.containerStatuses ?? []).map((container) => ended(container, exitCode)),
    },
  }
}

/** New ephemeral containers run at once; those that are there cannot be changed or removed. Nothing else is changed. */
export function runEphemeral(before: KubeObject, after: KubeObject, starts?: StartScript): KubeObject {
  const { spec, status = {}, metadata } = before as Pod
  const had = spec.ephemeralContainers ?? []
  const has = (after as Pod).spec?.ephemeralContainers ?? []
  const field = 'spec.ephemeralContainers'
  const causes: Cause[] = had.flatMap((container) => {
    const now = has.find(({ name }) => name === container.name)
    if (!now) return [forbidden(field, `existing ephemeral containers "${container.name}" may not be removed\n`)]
    if (isDeepStrictEqual(now, container)) return []
    return [forbidden(field, `existing ephemeral containers "${container.name}" may not be changed\n`)]
  })
  causes.push(...ephemeralCauses(before as Pod, has))
  if (causes.length) throw invalid(POD, metadata.name, causes)
  const fresh = has
    .filter(({ name }) => !had.some((container) => container.name === name))
    // An ephemeral container has no probe, and is never ready.
    .map((container) => {
      const state = starts?.({ pod: before as Pod, container: container.name })
      return { ...statusOfContainer(container, state), ready: false }
    })
  return {
    ...before,
    metadata: {
      ...metadata,
      ...(after.metadata.resourceVersion && { resourceVersion: after.metadata.resourceVersion }),
    },
    spec: { ...spec, ephemeralContainers: has },
    status: { ...status, ephemeralContainerStatuses: [...(status.ephemeralContainerStatuses ?? []), ...fresh] },
  }
}

/** A new pod has containers with names of their own. @throws ApiError 422 */
export function checkNewPod(pod: KubeObject): void {
  const causes = podCauses(pod)
  if (causes.length) throw invalid(POD, pod.metadata.name, causes)
}

const MUTABLE = ['activeDeadlineSeconds', 'tolerations', 'terminationGracePeriodSeconds', 'schedulingGates']

/** The spec of a pod cannot be changed, but for the images and little else. */
export function checkPodUpdate({ spec: before = {}, metadata }: KubeObject, { spec: after = {} }: KubeObject): void {
  const fixed = (spec: Json) => {
    const imageless = (list: unknown) => (list as Json[] | undefined)?.map((container) => ({ ...container, image: '' }))
    const kept = Object.entries(spec).filter(([key, value]) => !MUTABLE.includes(key) && !isEmpty(value))
    return {
      ...Object.fromEntries(kept),
      containers: imageless(spec['containers']),
      initContainers: imageless(spec['initContainers']),
    }
  }
  if (isDeepStrictEqual(fixed(before), fixed(after))) return
  const why =
    'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n'
  throw invalid(POD, metadata.name, [forbidden('spec', why)])
}

const isEmpty = (value: unknown) => value === undefined || (Array.isArray(value) && value.length === 0)

/** The container that is asked for, in the words of the API server where there is none. */
export function containerOf(object: KubeObject, asked: string | null): string {
  const { metadata, spec } = object as Pod
  const names = spec.containers.map(({ name }) => name)
  const init = (spec.initContainers ?? []).map(({ name }) => name)
  const ephemeral = (spec.ephemeralContainers ?? []).map(({ name }) => name)
  if (asked) {
    if (![...init, ...names, ...ephemeral].includes(asked))
      throw badRequest(`container ${asked} is not valid for pod ${metadata.name}`)
    return asked
  }
  const [preferred] = [metadata.annotations?.['kubectl.kubernetes.io/default-container']].filter(
    (name) => name && names.includes(name),
  )
  if (preferred) return preferred
  if (names.length !== 1)
    throw badRequest(
      `a container name must be specified for pod ${metadata.name}, choose one of: [${[...init, ...names, ...ephemeral].join(' ')}]`,
    )
  return names[0] ?? ''
}

/** Seconds that a pod has to end where nothing else is said. */
const GRACE = 30

export function graceOf({ spec }: KubeObject): number {
  const own = spec?.['terminationGracePeriodSeconds']
  return typeof own === 'number' ? own : GRACE
}

/** The time at which a pod that ends now is to be gone. */
export const endingAt = (grace: number) => new Date(Date.now() + grace * SECOND).toISOString().replace(/\.\d+Z$/, 'Z')
