import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CoreV1Api, KubeConfig, KubernetesObjectApi, type V1Pod } from '@kubernetes/client-node'
import { startSandbox } from '@talon/sandbox'

/** Where the suite runs: a real cluster where KUBECONFIG_E2E names one, else the sandbox. */
export const real = process.env['KUBECONFIG_E2E'] !== undefined

/** What a test says of a pod; the rest is as usual. */
export interface PodParts {
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly spec?: Readonly<Record<string, unknown>>
}

/** A cluster as the suite sees it: through a client of its own, which shares nothing with Talon's. */
export interface Cluster {
  readonly kubeconfig: string
  readonly core: CoreV1Api
  readonly objects: KubernetesObjectApi
  /** A namespace of its own for the test, gone when the cluster is closed. */
  newNamespace(): Promise<string>
  /** Creates a pod that prints `hello from <name>`, and waits until it runs. */
  runPod(namespace: string, name: string, over?: PodParts): Promise<V1Pod>
  close(): Promise<void>
}

const IMAGE = process.env['TALON_E2E_IMAGE'] ?? 'talon.test/busybox:1'
const NODE = process.env['TALON_E2E_NODE'] ?? 'node-1'

export async function openCluster(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-'))
  const sandbox = real ? undefined : await startSandbox({ log: ({ pod }) => `hello from ${pod.metadata.name}\n` })
  const kubeconfig = process.env['KUBECONFIG_E2E'] ?? sandbox!.writeKubeconfig(join(folder, 'kubeconfig'))
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const core = config.makeApiClient(CoreV1Api)
  const namespaces: string[] = []
  return {
    kubeconfig,
    core,
    objects: KubernetesObjectApi.makeApiClient(config),
    async newNamespace() {
      const { metadata } = await core.createNamespace({ body: { metadata: { generateName: 'e2e-' } } })
      const name = metadata?.name ?? ''
      namespaces.push(name)
      return name
    },
    async runPod(namespace, name, over = {}) {
      const container = {
        name: 'main',
        image: IMAGE,
        imagePullPolicy: 'IfNotPresent',
        command: ['sh', '-c', `echo hello from ${name}; exec sleep 3600`],
      }
      const body: V1Pod = {
        metadata: { name, namespace, ...over.metadata },
        spec: { nodeName: NODE, terminationGracePeriodSeconds: 1, containers: [container], ...over.spec },
      }
      await core.createNamespacedPod({ namespace, body })
      return until(async () => {
        const pod = await core.readNamespacedPod({ namespace, name })
        return pod.status?.containerStatuses?.every(({ ready }) => ready) ? pod : undefined
      }, `pod ${name} runs`)
    },
    async close() {
      for (const name of namespaces)
        await core.deleteNamespace({ name, gracePeriodSeconds: 0 }).catch((error: unknown) => {
          // A test may have deleted its own.
          if (!isGone(error)) throw error
        })
      await sandbox?.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** Asks until there is an answer; fails after a time that no healthy machine needs. */
export async function until<T>(ask: () => Promise<T | undefined> | T | undefined, what: string): Promise<T> {
  const deadline = Date.now() + 200_000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Whether the client was told that the object does not exist. */
export function isGone(error: unknown): boolean {
  return (error as { code?: number }).code === 404
}
