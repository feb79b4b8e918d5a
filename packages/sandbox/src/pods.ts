import { randomBytes, randomUUID } from 'node:crypto'
import type { Json, KubeObject, Pod } from './objects.ts'
import { badRequest } from './status.ts'
import { secondsNow } from './store.ts'

const containerId = () => `containerd://${randomBytes(32).toString('hex')}`

const statusOfContainer = ({ name, image = '' }: { name: string; image?: string }): Json => ({
  name,
  image,
  imageID: `sandbox/${image}`,
  containerID: containerId(),
  ready: true,
  started: true,
  restartCount: 0,
  state: { running: { startedAt: secondsNow() } },
})

/** A pod that has a node runs at once, and looks as kubelet says it does. */
export function runPod(object: KubeObject): KubeObject {
  const pod = object as Pod
  if (!pod.spec?.nodeName || pod.status?.phase) return object
  const ready = (type: string) => ({ type, status: 'True', lastTransitionTime: secondsNow() })
  const status: Json = {
    phase: 'Running',
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(ready),
    hostIP: '192.0.2.1',
    podIP: `198.51.100.${1 + ((randomBytes(1)[0] ?? 0) % 254)}`,
    startTime: secondsNow(),
    qosClass: 'BestEffort',
    containerStatuses: pod.spec.containers.map(statusOfContainer),
  }
  return {
    ...pod,
    metadata: { ...pod.metadata, uid: pod.metadata.uid ?? randomUUID() },
    status: { ...pod.status, ...status },
  }
}

/** New ephemeral containers run at once; those that are there cannot be changed or removed. */
export function runEphemeral(before: KubeObject, after: KubeObject): KubeObject {
  const had = (before as Pod).spec.ephemeralContainers ?? []
  const has = (after as Pod).spec.ephemeralContainers ?? []
  for (const container of had)
    if (!has.some((other) => JSON.stringify(other) === JSON.stringify(container)))
      throw badRequest(`existing ephemeral containers "${container.name}" may not be changed`)
  const statuses = (before as Pod).status?.ephemeralContainerStatuses ?? []
  const fresh = has.filter(({ name }) => !had.some((container) => container.name === name)).map(statusOfContainer)
  return {
    ...before,
    spec: { ...before.spec, ephemeralContainers: has },
    status: { ...before.status, ephemeralContainerStatuses: [...statuses, ...fresh] },
  }
}

/** The container that is asked for, in the words of the API server where there is none. */
export function containerOf(object: KubeObject, asked: string | null): string {
  const { metadata, spec } = object as Pod
  const names = spec.containers.map(({ name }) => name)
  const all = [...names, ...(spec.ephemeralContainers ?? []).map(({ name }) => name)]
  if (asked) {
    if (!all.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${metadata.name}`)
    return asked
  }
  if (names.length !== 1)
    throw badRequest(`a container name must be specified for pod ${metadata.name}, choose one of: [${names.join(' ')}]`)
  return names[0] ?? ''
}

/** The last lines of a text. */
export function tail(text: string, lines: string | null): string {
  if (lines === null) return text
  const all = text.split('\n')
  const end = all.at(-1) === '' ? [all.pop() ?? ''] : []
  const count = Number(lines)
  return count === 0 ? '' : [...all.slice(-count), ...end].join('\n')
}
