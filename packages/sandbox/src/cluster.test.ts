import {
  BatchV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { deployment, pod, startSandbox, type Sandbox } from './index.ts'

let sandbox: Sandbox
let config: KubeConfig
let core: CoreV1Api
let codes: number[]

beforeEach(async () => {
  codes = []
  sandbox = await startSandbox({ replaceDelay: 0, endDelay: 0, job: () => codes.shift() ?? 0 })
  config = new KubeConfig()
  config.loadFromString(sandbox.kubeconfig)
  core = config.makeApiClient(CoreV1Api)
})
afterEach(() => sandbox.close())

const inDefault = { namespace: 'default' }
const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
/** Waits for what comes by itself; the test's own time limit ends it. */
async function until<T>(ask: () => T | undefined): Promise<T> {
  for (;;) {
    const answer = ask()
    if (answer !== undefined) return answer
    await new Promise((resolve) => setImmediate(resolve))
  }
}
const gone = (plural: string, name: string) => until(() => (sandbox.find(plural, 'default', name) ? undefined : true))

it.each([
  [0, 'Complete', 'Succeeded'],
  [3, 'Failed', 'Failed'],
])('a Job whose pod ends with %i is %s', async (code, type, phase) => {
  codes = [code]
  const spec = { template: { spec: { nodeName: 'node-1', containers: [{ name: 'a', image: 'x' }] } } }
  await config.makeApiClient(BatchV1Api).createNamespacedJob({ ...inDefault, body: { metadata: { name: 'j' }, spec } })
  const job = await until(() => {
    const found = sandbox.find('jobs', 'default', 'j')
    return found?.status?.['conditions'] ? found : undefined
  })
  expect(job.status).toMatchObject({ conditions: [{ type, status: 'True' }] })
  const { items } = await core.listNamespacedPod({ ...inDefault, labelSelector: 'batch.kubernetes.io/job-name=j' })
  expect(
    items.map(({ status }) => [status?.phase, status?.containerStatuses?.[0]?.state?.terminated?.exitCode]),
  ).toEqual([[phase, code]])
})

it('an object with a finalizer goes when the finalizer does', async () => {
  const name = 'kept'
  await core.createNamespacedConfigMap({ ...inDefault, body: { metadata: { name, finalizers: ['test/keep'] } } })
  await core.deleteNamespacedConfigMap({ ...inDefault, name })
  const { metadata } = await core.readNamespacedConfigMap({ ...inDefault, name })
  expect(metadata?.deletionTimestamp).toBeDefined()
  await core.patchNamespacedConfigMap({ ...inDefault, name, body: { metadata: { finalizers: null } } }, merge)
  expect(sandbox.find('configmaps', 'default', name)).toBeUndefined()
})

it('what a Deployment owns goes with it, and is not made again', async () => {
  sandbox.seed(deployment({ name: 'web', replicas: 2 }), pod({ name: 'other' }))
  await fetch(`${sandbox.url}/apis/apps/v1/namespaces/default/deployments/web`, { method: 'DELETE' })
  const { items } = await core.listNamespacedPod(inDefault)
  expect(items.map(({ metadata }) => metadata?.name)).toEqual(['other'])
  const sets = await fetch(`${sandbox.url}/apis/apps/v1/replicasets`)
  expect(await sets.json()).toMatchObject({ items: [] })
})

it('what a Deployment owns stays where it is orphaned', async () => {
  sandbox.seed(deployment({ name: 'web', replicas: 1 }))
  const url = `${sandbox.url}/apis/apps/v1/namespaces/default/deployments/web?propagationPolicy=Orphan`
  await fetch(url, { method: 'DELETE' })
  expect((await core.listNamespacedPod(inDefault)).items).toHaveLength(1)
})

it('a namespace takes along what is in it', async () => {
  sandbox.seed(pod({ name: 'web-0', namespace: 'shop' }))
  await core.deleteNamespace({ name: 'shop' })
  expect(sandbox.find('pods', 'shop', 'web-0')).toBeUndefined()
})

it('a pod without a node waits, and is gone at once when it is deleted', async () => {
  const body = { metadata: { name: 'waiting' }, spec: { containers: [{ name: 'a', image: 'x' }] } }
  expect((await core.createNamespacedPod({ ...inDefault, body })).status?.phase).toBe('Pending')
  await core.deleteNamespacedPod({ ...inDefault, name: 'waiting' })
  expect(sandbox.find('pods', 'default', 'waiting')).toBeUndefined()
})

it('a pod that is deleted while it ends keeps the time at which it was to be gone, and goes at grace 0', async () => {
  await sandbox.close()
  sandbox = await startSandbox({ endDelay: 3_600_000 })
  sandbox.seed(pod({ name: 'web-0' }))
  const url = `${sandbox.url}/api/v1/namespaces/default/pods/web-0`
  const remove = async (grace: number) =>
    (await (await fetch(`${url}?gracePeriodSeconds=${grace}`, { method: 'DELETE' })).json()) as object
  expect(await remove(30)).toMatchObject({ metadata: { deletionGracePeriodSeconds: 30 } })
  expect(await (await fetch(url)).json()).toMatchObject({ metadata: { deletionGracePeriodSeconds: 30 } })
  await remove(0)
  expect((await fetch(url)).status).toBe(404)
})

it('custom kinds go with their definition', async () => {
  const objects = KubernetesObjectApi.makeApiClient(config)
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.x.test' },
  }
  const spec = {
    group: 'x.test',
    names: { plural: 'things', kind: 'Thing' },
    scope: 'Namespaced',
    versions: [{ name: 'v1', served: true, storage: true }],
  }
  const path = `${sandbox.url}/apis/x.test/v1/namespaces/default/things`
  await objects.create({ ...crd, spec } as never)
  await objects.create({ apiVersion: 'x.test/v1', kind: 'Thing', metadata: { name: 't', ...inDefault } })
  expect((await fetch(`${path}/t`)).status).toBe(200)
  await objects.delete(crd)
  expect((await fetch(`${path}/t`)).status).toBe(404)
  await gone('things', 't')
})

it('an update of the status changes nothing else, and an update of the rest no status', async () => {
  sandbox.seed(pod({ name: 'web-0' }))
  const name = { ...inDefault, name: 'web-0' }
  const body = { metadata: { labels: { a: '1' } }, status: { phase: 'Failed' } }
  expect(await core.patchNamespacedPod({ ...name, body }, merge)).toMatchObject({
    metadata: { labels: { a: '1' } },
    status: { phase: 'Running' },
  })
  const other = { metadata: { labels: { a: '2' } }, status: { phase: 'Failed' } }
  expect(await core.patchNamespacedPodStatus({ ...name, body: other }, merge)).toMatchObject({
    metadata: { labels: { a: '1' } },
    status: { phase: 'Failed' },
  })
})
