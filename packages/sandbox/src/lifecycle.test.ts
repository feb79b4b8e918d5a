import { afterEach, beforeEach, expect, it } from 'vitest'
import { daemonSet, deployment, pod, startSandbox, statefulSet, type KubeObject, type Sandbox } from './index.ts'

let sandbox: Sandbox
beforeEach(async () => {
  sandbox = await startSandbox({ replaceDelay: 0, endDelay: 0 })
})
afterEach(() => sandbox.close())

/** Waits for what comes by itself; the test's own time limit ends it. */
async function until<T>(ask: () => T | undefined | false): Promise<T> {
  for (;;) {
    const answer = ask()
    if (answer !== undefined && answer !== false) return answer
    await new Promise((resolve) => setImmediate(resolve))
  }
}
const url = (path: string) => `${sandbox.url}${path.replace('NS', 'namespaces/default')}`
const send = async (method: string, path: string, body?: object, type = 'application/json') => {
  const headers = { 'content-type': type }
  const response = await fetch(url(path), { method, ...(body && { body: JSON.stringify(body), headers }) })
  return { code: response.status, body: (await response.json()) as KubeObject & { message?: string } }
}
const patch = (path: string, body: object) => send('PATCH', path, body, 'application/merge-patch+json')
const namesOf = (objects: readonly KubeObject[], kind = 'Pod') =>
  objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name)
const pods = async () => ((await send('GET', '/api/v1/NS/pods')).body['items'] ?? []) as KubeObject[]

it('the owner of a pod counts it until it ends, and counts its replacement', async () => {
  await sandbox.close()
  sandbox = await startSandbox({ replaceDelay: 0, endDelay: 3_600_000 })
  sandbox.seed(statefulSet({ name: 'db', replicas: 2 }))
  const ready = () => sandbox.find('statefulsets', 'default', 'db')?.status?.['readyReplicas']
  expect(ready()).toBe(2)
  await send('DELETE', '/api/v1/NS/pods/db-0')
  await until(() => ready() === 1)
  await send('DELETE', '/api/v1/NS/pods/db-0?gracePeriodSeconds=0')
  await until(() => ready() === 2)
})

it('a Deployment counts what its ReplicaSet counts, and a DaemonSet its nodes', async () => {
  const objects = [...deployment({ name: 'web', replicas: 2 }), ...daemonSet({ name: 'agent' })]
  sandbox.seed(objects)
  const unready = { status: { conditions: [{ type: 'Ready', status: 'False' }] } }
  const [first = '', , agent = ''] = namesOf(objects)
  for (const name of [first, agent]) await patch(`/api/v1/NS/pods/${name}/status`, unready)
  const numberReady = () => sandbox.find('daemonsets', 'default', 'agent')?.status?.['numberReady']
  await until(() => numberReady() === 0)
  await until(() => sandbox.find('deployments', 'default', 'web')?.status?.['readyReplicas'] !== 2)
  expect(sandbox.find('deployments', 'default', 'web')?.status).toMatchObject({ replicas: 2, readyReplicas: 1 })
})

it('a replacement does not land on a cordoned node, and waits where all are', async () => {
  sandbox.seed(deployment({ name: 'web', replicas: 1 }), pod({ name: 'other', node: 'node-2' }))
  const nodes: unknown[] = []
  for (const node of ['node-1', 'node-2']) {
    await patch(`/api/v1/nodes/${node}`, { spec: { unschedulable: true } })
    const [web] = (await pods()).filter(({ metadata }) => metadata.name.startsWith('web-'))
    await send('DELETE', `/api/v1/NS/pods/${web?.metadata.name}?gracePeriodSeconds=0`)
    let next: KubeObject | undefined
    while (!next || next.metadata.name === web?.metadata.name)
      next = (await pods()).find(({ metadata }) => metadata.name.startsWith('web-'))
    nodes.push([next.spec?.['nodeName'], next.status?.['phase']])
  }
  expect(nodes).toEqual([
    ['node-2', 'Running'],
    [undefined, 'Pending'],
  ])
})

it('an owner that is deleted in the foreground waits for what it owns', async () => {
  await sandbox.close()
  sandbox = await startSandbox({ replaceDelay: 0, endDelay: 3_600_000 })
  const objects = deployment({ name: 'web', replicas: 1 })
  sandbox.seed(objects)
  const [name = ''] = namesOf(objects)
  const path = '/apis/apps/v1/NS/deployments/web'
  expect((await send('DELETE', path, { propagationPolicy: 'Foreground' })).body).toMatchObject({
    kind: 'Deployment',
    metadata: { finalizers: ['foregroundDeletion'], deletionTimestamp: expect.any(String) as string },
  })
  await until(() => sandbox.find('pods', 'default', name)?.metadata.deletionTimestamp)
  expect((await send('GET', path)).code).toBe(200)
  await send('DELETE', `/api/v1/NS/pods/${name}?gracePeriodSeconds=0`)
  await until(() => !sandbox.find('deployments', 'default', 'web'))
  expect([sandbox.find('replicasets', 'default', namesOf(objects, 'ReplicaSet')[0] ?? ''), await pods()]).toEqual([
    undefined,
    [],
  ])
})

it.each([
  [{}, 1],
  [{ propagationPolicy: 'Background' }, 0],
])(
  "a Job that is deleted with %j leaves %i pods, as the API server's default is to orphan them",
  async (options, left) => {
    const spec = { template: { spec: { containers: [{ name: 'a', image: 'x' }] } } }
    await send('POST', '/apis/batch/v1/NS/jobs', { metadata: { name: 'j' }, spec })
    await until(() => sandbox.find('jobs', 'default', 'j')?.status?.['conditions'] !== undefined)
    await send('DELETE', '/apis/batch/v1/NS/jobs/j', options)
    expect(await pods()).toHaveLength(left)
  },
)

const budget = (spec: object) =>
  send('POST', '/apis/policy/v1/NS/poddisruptionbudgets', {
    metadata: { name: 'b' },
    spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  })
const violated = (said: string) => ({
  message: "Cannot evict pod as it would violate the pod's disruption budget.",
  details: { causes: [{ reason: 'DisruptionBudget', message: `The disruption budget b ${said}` }] },
})
const evict = (name = '') => send('POST', `/api/v1/NS/pods/${name}/eviction`, { metadata: { name } })

it.each([
  [{ maxUnavailable: 1 }, 201, { status: 'Success' }],
  [{ maxUnavailable: 0 }, 429, violated('needs 4 healthy pods and has 4 currently')],
  [{ minAvailable: '75%' }, 201, { status: 'Success' }],
  [{ minAvailable: '76%' }, 429, violated('needs 4 healthy pods and has 4 currently')],
])('a budget of %j, of four pods, answers an eviction with %i', async (spec, code, body) => {
  const objects = deployment({ name: 'web', replicas: 4 })
  sandbox.seed(objects)
  await budget(spec)
  expect(await evict(namesOf(objects)[0])).toMatchObject({ code, body })
})

it('maxUnavailable is of the replicas that are wanted, those that are missing included', async () => {
  const objects = deployment({ name: 'web', replicas: 3 })
  // One of the three was never made.
  const [missing = '', name] = namesOf(objects)
  sandbox.seed(objects.filter(({ metadata }) => metadata.name !== missing))
  await budget({ maxUnavailable: 1 })
  expect((await evict(name)).body.message).toContain('violate')
})

it('a pod that is not ready, or has ended, may be evicted where the others are enough', async () => {
  const objects = deployment({ name: 'web', replicas: 3 })
  sandbox.seed(objects)
  await budget({ minAvailable: 2 })
  const [first = '', second = ''] = namesOf(objects)
  const unready = [{ name: 'main', ready: false, state: { running: {} } }]
  await patch(`/api/v1/NS/pods/${first}/status`, { status: { containerStatuses: unready } })
  expect((await evict(first)).code).toBe(201)
  await patch(`/api/v1/NS/pods/${second}/status`, { status: { phase: 'Succeeded' } })
  expect((await evict(second)).code).toBe(201)
})
