/** A real Kubernetes cluster on this machine for tests: `const cluster = await startCluster()`. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { binary, clusterBinaries } from './binaries.ts'
import { missing } from './check.ts'
import { home } from './configs.ts'
import type { Wish } from './inside.ts'
import { type Inhabitant, enter } from './namespaces.ts'

export { missing } from './check.ts'

export interface Cluster {
  /** Path of the admin's kubeconfig, readable until `stop`. */
  readonly kubeconfig: string
  /** A process in the cluster's namespaces; undefined for a cluster that was there before (KUBECONFIG_E2E). */
  readonly pid: number | undefined
  /** Resolves when it is gone: on its own (1 when a component died), or by `stop`. */
  readonly gone: Promise<number>
  stop(): Promise<void>
}

const inside = join(import.meta.dirname, 'inside.ts')

async function prerequisites(): Promise<void> {
  const lacks = await missing()
  if (lacks !== undefined) throw new Error(`no test cluster can run here; missing: ${lacks}`)
  for (const name of clusterBinaries) await binary(name)
}

/** Runs a command in the namespaces of a cluster of its own, which ends with it. `ended` is its exit status. */
export async function runInCluster(command: readonly string[], kwokNodes = 0): Promise<Inhabitant> {
  await prerequisites()
  const wish: Wish = { kwokNodes, command }
  return enter(inside, [JSON.stringify(wish)], 'inherit')
}

/**
 * Starts a cluster whose API server is reached from here, through a port of 127.0.0.1. It ends with this process at the latest.
 * Where KUBECONFIG_E2E is set, that cluster is taken and left running. Rejects when the machine lacks something, or with the end
 * of the log of the component that failed.
 */
export async function startCluster({ kwokNodes = 0 }: { kwokNodes?: number } = {}): Promise<Cluster> {
  const given = process.env['KUBECONFIG_E2E']
  if (given !== undefined) {
    return { kubeconfig: given, pid: undefined, gone: new Promise(() => undefined), stop: async () => undefined }
  }
  await prerequisites()
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const wish: Wish = { kwokNodes }
  const inhabitant = enter(inside, [JSON.stringify(wish)], 'ignore')
  inhabitant.process.send('listener', listener, () => listener.close())
  const ready = once(inhabitant.process, 'message').then(() => true)
  if (!(await Promise.race([ready, inhabitant.gone.then(() => false)])))
    throw new Error('the test cluster did not start: see above')
  return {
    kubeconfig: `/proc/${inhabitant.pid}/root${join(home, 'kubeconfig-outside')}`,
    pid: inhabitant.pid,
    gone: inhabitant.gone,
    stop: async () => inhabitant.end(),
  }
}
