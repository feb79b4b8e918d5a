import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { CoreV1Api, Exec, KubeConfig, type V1Pod, type V1Status } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, missing, startCluster } from './cluster.ts'

const program = join(import.meta.dirname, 'main.ts')
const lacks = await missing()
if (lacks !== undefined) process.stderr.write(`the test cluster was not tried; missing: ${lacks}\n`)
// What is asserted here is the tool itself: a cluster that somebody else runs says nothing about it.
const environment = { ...process.env }
delete environment['KUBECONFIG_E2E']

const pod = (name: string, nodeName: string): V1Pod => ({
  metadata: { name },
  spec: {
    nodeName,
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        ...{ name: 'main', image: 'talon.test/busybox:1', imagePullPolicy: 'Never' },
        command: ['sh', '-c', 'echo hello; exec sleep 1000'],
      },
    ],
  },
})

async function running(api: CoreV1Api, name: string): Promise<V1Pod> {
  for (;;) {
    const found = await api.readNamespacedPod({ namespace: 'default', name })
    if (found.status?.phase === 'Running') return found
    await sleep(100)
  }
}

describe.skipIf(lacks !== undefined)('a cluster', { timeout: 120_000 }, () => {
  let cluster: Cluster
  const config = new KubeConfig()
  let api: CoreV1Api

  beforeAll(async () => {
    delete process.env['KUBECONFIG_E2E']
    cluster = await startCluster({ kwokNodes: 1 })
    config.loadFromFile(cluster.kubeconfig)
    api = config.makeApiClient(CoreV1Api)
  }, 120_000)
  afterAll(async () => cluster?.stop())

  test('runs a pod, whose log and whose commands are real', async () => {
    await api.createNamespacedPod({ namespace: 'default', body: pod('web', 'node-1') })
    await running(api, 'web')
    // A pod is said to run before its program has said anything.
    const log = async () => api.readNamespacedPodLog({ namespace: 'default', name: 'web' })
    await expect.poll(log, { timeout: 60_000 }).toBe('hello\n')
    const output = new PassThrough()
    const status = await new Promise<V1Status>((resolve, reject) => {
      new Exec(config)
        .exec('default', 'web', 'main', ['sh', '-c', 'echo $((6 * 7)); exit 3'], output, null, null, false, resolve)
        .catch(reject)
    })
    expect(status.details?.causes).toEqual([{ reason: 'ExitCode', message: '3' }])
    expect(String(output.read())).toBe('42\n')
  })

  test('says of a pod on a kwok node that it runs', async () => {
    await api.createNamespacedPod({ namespace: 'default', body: pod('fake', 'kwok-1') })
    expect((await running(api, 'fake')).spec?.nodeName).toBe('kwok-1')
  })

  test('leaves nothing behind when its owner is killed, and others stand', async () => {
    const owner = spawn(process.execPath, [program, 'up'], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
    const { pid, traces } = await standing(owner)
    await startPod(join(`/proc/${pid}/root`, '/run/talon-cluster/kubeconfig-outside'))
    expect(traces().processes.length).toBeGreaterThan(5)
    expect(traces().cgroups.length).toBeGreaterThan(0)
    owner.kill('SIGKILL')
    await expect.poll(traces, { timeout: 60_000 }).toEqual({ processes: [], cgroups: [], mounts: [] })
    expect((await api.readNamespacedPod({ namespace: 'default', name: 'web' })).status?.phase).toBe('Running')
  })
})

/** Waits until `up` says that it is ready, and returns how to look for what it made on this machine. */
async function standing(owner: ChildProcess) {
  let pid = 0
  for await (const line of createInterface({ input: owner.stdout ?? process.stdin })) {
    pid = Number(/--target (\d+)/.exec(line)?.[1] ?? 0)
    if (pid > 0) break
  }
  const network = readlinkSync(`/proc/${pid}/ns/net`)
  const cgroup = /talon-cluster-\w+/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))?.[0] ?? 'none'
  const traces = () => ({
    processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name) && networkOf(name) === network),
    cgroups: ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map((tree) => join('/sys/fs/cgroup', tree))]
      .map((tree) => join(tree, cgroup))
      .filter((folder) => existsSync(folder)),
    mounts: readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes('talon-cluster')),
  })
  return { pid, traces }
}

function networkOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return '' // It ended meanwhile.
  }
}

/** Starts a pod there, so that there are containers, mounts and cgroups to leave behind. */
async function startPod(kubeconfig: string): Promise<void> {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const api = config.makeApiClient(CoreV1Api)
  await api.createNamespacedPod({ namespace: 'default', body: pod('web', 'node-1') })
  await running(api, 'web')
}

test('takes the cluster of KUBECONFIG_E2E where there is one, and ends as the program does', () => {
  const command = ['sh', '-c', 'echo "$KUBECONFIG_E2E"; exit 7']
  const env = { ...environment, KUBECONFIG_E2E: '/there' }
  const { status, stdout } = spawnSync(process.execPath, [program, 'run', '--', ...command], { env, encoding: 'utf8' })
  expect({ status, stdout }).toEqual({ status: 7, stdout: '/there\n' })
})

test.skipIf(lacks !== undefined)(
  'run starts a cluster where there is none, and ends as the program does',
  { timeout: 120_000 },
  async () => {
    const command = ['sh', '-c', 'test -r "$KUBECONFIG_E2E" && exit 7']
    const child = spawn(process.execPath, [program, 'run', '--', ...command], { env: environment, stdio: 'inherit' })
    expect(await once(child, 'exit')).toEqual([7, null])
  },
)
