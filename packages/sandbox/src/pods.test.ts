import {
  AppsV1Api,
  CoreV1Api,
  Exec,
  KubeConfig,
  PatchStrategy,
  PolicyV1Api,
  setHeaderOptions,
} from '@kubernetes/client-node'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refused } from '../testing/refused.ts'
import {
  daemonSet,
  deployment,
  pod,
  POLICY_KINDS,
  startSandbox,
  statefulSet,
  type ExecCall,
  type Sandbox,
} from './index.ts'

let sandbox: Sandbox
let core: CoreV1Api
let config: KubeConfig
let asked: ExecCall[]

beforeEach(async () => {
  asked = []
  sandbox = await startSandbox({
    kinds: POLICY_KINDS,
    replaceDelay: 5,
    endDelay: 5,
    log: ({ container }) => `one\ntwo\n${container}\n`,
    exec: (call) => {
      asked.push(call)
      return call.command[0] === 'fail'
        ? { stderr: 'no\n', exitCode: 3 }
        : { stdout: `ran ${call.command.join(' ')}${call.stdin}` }
    },
  })
  config = new KubeConfig()
  config.loadFromString(sandbox.kubeconfig)
  core = config.makeApiClient(CoreV1Api)
})
afterEach(() => sandbox.close())

const default0 = { namespace: 'default', name: 'web-0' }
/** Waits for what comes by itself; the test's own time limit ends it. */
const later = async <T>(ask: () => Promise<T | undefined>): Promise<T> => {
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer !== undefined) return answer
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('a pod', () => {
  it('is deleted only under its own UID', async () => {
    sandbox.seed(pod({ name: 'web-0' }))
    const { metadata } = await core.readNamespacedPod(default0)
    const remove = (uid: string) =>
      core.deleteNamespacedPod({ ...default0, body: { gracePeriodSeconds: 0, preconditions: { uid } } })
    expect(await refused(remove('other'))).toBe(
      `409 Conflict Operation cannot be fulfilled on Pod "web-0": the UID in the precondition (other) does not match the UID in record (${metadata?.uid}). The object might have been deleted and then recreated`,
    )
    await remove(metadata?.uid ?? '')
    expect(await refused(core.readNamespacedPod(default0))).toMatch(/^404/)
  })

  it('ends in a while where it has a grace period', async () => {
    sandbox.seed(pod({ name: 'web-0' }))
    expect(
      (await core.deleteNamespacedPod({ ...default0, gracePeriodSeconds: 30 })).metadata?.deletionTimestamp,
    ).toBeDefined()
    await later(async () => (sandbox.find('pods', 'default', 'web-0') ? undefined : true))
  })

  it('of a StatefulSet is replaced under its name, one of a Deployment under another', async () => {
    sandbox.seed(
      statefulSet({ name: 'db', replicas: 1 }),
      deployment({ name: 'web', replicas: 1 }),
      daemonSet({ name: 'agent' }),
    )
    const before = await core.readNamespacedPod({ namespace: 'default', name: 'db-0' })
    const names = async () =>
      (await core.listNamespacedPod({ namespace: 'default', labelSelector: 'app=web' })).items.map(
        ({ metadata }) => metadata?.name,
      )
    const [web = ''] = await names()
    for (const name of ['db-0', web])
      await core.deleteNamespacedPod({ namespace: 'default', name, gracePeriodSeconds: 0 })
    const after = await later(() => core.readNamespacedPod({ namespace: 'default', name: 'db-0' }))
    expect(after.metadata?.uid).not.toBe(before.metadata?.uid)
    expect(await later(async () => (await names())[0])).not.toBe(web)
    expect(
      (await config.makeApiClient(AppsV1Api).readNamespacedStatefulSet({ namespace: 'default', name: 'db' })).status
        ?.readyReplicas,
    ).toBe(1)
  })

  it('gives its log, by container and by lines', async () => {
    sandbox.seed(pod({ name: 'web-0' }), pod({ name: 'two', containers: ['a', 'b'] }))
    expect(await core.readNamespacedPodLog({ ...default0, tailLines: 2 })).toBe('two\nmain\n')
    const two = { namespace: 'default', name: 'two' }
    expect(await refused(core.readNamespacedPodLog(two))).toBe(
      '400 BadRequest a container name must be specified for pod two, choose one of: [a b]',
    )
    expect(await refused(core.readNamespacedPodLog({ ...two, container: 'c' }))).toBe(
      '400 BadRequest container c is not valid for pod two',
    )
  })

  it('answers a command as the script says, with its exit status', async () => {
    sandbox.seed(pod({ name: 'web-0' }))
    const run = (command: string[]) =>
      new Promise<{ out: string; status: object }>((resolve, reject) => {
        let out = ''
        const sink = new Writable({
          write(chunk: Buffer, _, done) {
            out += chunk.toString()
            done()
          },
        })
        new Exec(config)
          .exec('default', 'web-0', 'main', command, sink, sink, null, false, (status) => resolve({ out, status }))
          .catch(reject)
      })
    expect(await run(['echo', 'a b', '$(id)'])).toMatchObject({
      out: 'ran echo a b $(id)',
      status: { status: 'Success' },
    })
    expect(await run(['fail'])).toMatchObject({
      out: 'no\n',
      status: { reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '3' }] } },
    })
    expect(asked[0]).toMatchObject({ container: 'main', command: ['echo', 'a b', '$(id)'], stdin: '' })
  })

  it('is evicted only where its disruption budget allows', async () => {
    sandbox.seed(deployment({ name: 'web', replicas: 2 }))
    await config.makeApiClient(PolicyV1Api).createNamespacedPodDisruptionBudget({
      namespace: 'default',
      body: { metadata: { name: 'b' }, spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } } },
    })
    const [first] = (await core.listNamespacedPod({ namespace: 'default' })).items
    const name = first?.metadata?.name ?? ''
    const evict = () => core.createNamespacedPodEviction({ namespace: 'default', name, body: { metadata: { name } } })
    expect(await refused(evict())).toBe(
      "429 TooManyRequests Cannot evict pod as it would violate the pod's disruption budget.",
    )
    await config.makeApiClient(PolicyV1Api).deleteNamespacedPodDisruptionBudget({ namespace: 'default', name: 'b' })
    await evict()
    await later(async () => (sandbox.find('pods', 'default', name) ? undefined : true))
  })

  it('takes ephemeral containers, and keeps them', async () => {
    sandbox.seed(pod({ name: 'web-0' }))
    const add = (name: string) =>
      core.patchNamespacedPodEphemeralcontainers(
        { ...default0, body: { spec: { ephemeralContainers: [{ name, image: 'x' }] } } },
        setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
      )
    await add('a')
    const { status } = await add('b')
    expect(status?.ephemeralContainerStatuses?.map(({ name, state }) => [name, state?.running !== undefined])).toEqual([
      ['a', true],
      ['b', true],
    ])
  })
})
