import { EventsV1Api, KubeConfig, type EventsV1Event } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAccount } from './account.ts'
import { openCluster, real, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startServer, type Server } from './server.ts'

const RULES = `
- rule: Look inside
  match: { rules: [Shell] }
  notifiers: [k8sevents]
  actions:
    - { action: Print it, actionner: "kubernetes:log" }

- rule: Look in vain
  match: { rules: [Ghost] }
  notifiers: [k8sevents]
  actions:
    - { action: Print it, actionner: "kubernetes:log", parameters: { container: ghost } }

- rule: Close the node
  match: { rules: [Escape] }
  dry_run: true
  notifiers: [k8sevents]
  actions:
    - { action: Cordon it, actionner: "kubernetes:cordon" }

- rule: Undo it
  match: { rules: [Config] }
  notifiers: [k8sevents]
  actions:
    - { action: Delete it, actionner: "kubernetes:delete", parameters: { resources: [configmaps] } }
`

let cluster: Cluster
let events: EventsV1Api
beforeAll(async () => {
  cluster = await openCluster()
  const config = new KubeConfig()
  config.loadFromFile(cluster.kubeconfig)
  events = config.makeApiClient(EventsV1Api)
}, 240_000)
afterAll(() => cluster.close(), 240_000)

/** Talon's Event of a reason that a namespace has, read by a client that shares nothing with Talon's. */
async function eventOf(namespace: string, reason: string, fits: (event: EventsV1Event) => boolean = () => true) {
  return until(async () => {
    const { items } = await events.listNamespacedEvent({ namespace })
    return items.find((event) => event.reason === `falco-talon:${reason}` && fits(event))
  }, `${namespace} has an Event ${reason}`)
}

describe('what an event leads to, as Events of the cluster', { timeout: 240_000 }, () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer({ kubeconfig: cluster.kubeconfig, rules: RULES })
  }, 240_000)
  afterAll(() => server.stop(), 240_000)

  const post = async (rule: string, fields: Readonly<Record<string, unknown>>, over: object = {}) =>
    expect((await server.post(falcoEvent(rule, fields, over))).status).toBe(202)

  it('is on the pod, told with its UID, and repeats are counted', async () => {
    const namespace = await cluster.newNamespace()
    const { metadata } = await cluster.runPod(namespace, 'web-0')
    const pod = { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web-0' }
    await post('Shell', { ...pod, mark: 1 })
    const event = await eventOf(namespace, 'kubernetes:log:success')
    expect(event).toMatchObject({
      type: 'Normal',
      action: 'kubernetes:log',
      regarding: { apiVersion: 'v1', kind: 'Pod', name: 'web-0', namespace, uid: metadata?.uid },
      reportingController: 'falcosecurity.org/falco-talon',
    })
    expect(event.note).toMatch(/^success: .*; rule: Look inside; action: Print it .*; event: .*; trace: [0-9a-f]{32}$/)
    expect(event.series).toBeUndefined()

    for (const mark of [2, 3, 4]) await post('Shell', { ...pod, mark })
    const { metadata: same, series } = await eventOf(
      namespace,
      'kubernetes:log:success',
      ({ series }) => (series?.count ?? 1) >= 4,
    )
    expect([same?.uid, series?.count]).toEqual([event.metadata?.uid, 4])
    const { items } = await events.listNamespacedEvent({ namespace })
    expect(items.filter(({ reason }) => reason?.startsWith('falco-talon:'))).toHaveLength(1)

    // What `kubectl describe` and Argo CD ask, in the older form that they read.
    if (!real) return
    const fieldSelector = `involvedObject.uid=${metadata?.uid}`
    const described = await cluster.core.listNamespacedEvent({ namespace, fieldSelector })
    expect(described.items.filter(({ reason }) => reason?.startsWith('falco-talon:'))).toMatchObject([
      {
        involvedObject: { kind: 'Pod', name: 'web-0' },
        message: event.note,
        reportingComponent: 'falcosecurity.org/falco-talon',
        series: { count: 4 },
      },
    ])
  })

  it('warns of a failure, with the reason', async () => {
    const namespace = await cluster.newNamespace()
    await cluster.runPod(namespace, 'web-0')
    await post('Ghost', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web-0' })
    const { type, note, regarding } = await eventOf(namespace, 'kubernetes:log:failure')
    expect([type, regarding?.name]).toEqual(['Warning', 'web-0'])
    expect(note).toContain("'ghost'")
  })

  it('is on the node, in the namespace default, where a node was acted on', async () => {
    const namespace = await cluster.newNamespace()
    const { spec } = await cluster.runPod(namespace, 'web-0')
    await post('Escape', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web-0' })
    const { regarding, note } = await eventOf('default', 'kubernetes:cordon:success', (event) =>
      Boolean(event.note?.includes(namespace)),
    )
    const node = await cluster.core.readNode({ name: spec?.nodeName ?? '' })
    expect(regarding).toMatchObject({ kind: 'Node', name: spec?.nodeName, uid: node.metadata?.uid })
    expect(note).toContain('success (dry run): ')
  })

  it('is on an audited object that is gone, by its name', async () => {
    const namespace = await cluster.newNamespace()
    await cluster.core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'made' } } })
    const fields = { 'ka.target.resource': 'configmaps', 'ka.target.name': 'made', 'ka.target.namespace': namespace }
    await post('Config', { ...fields, 'ka.uri': `/api/v1/namespaces/${namespace}/configmaps` }, { source: 'k8s_audit' })
    const { regarding } = await eventOf(namespace, 'kubernetes:delete:success')
    expect(regarding).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', name: 'made', namespace })
  })

  it.runIf(real)('fails once, and says why, where the namespace is on its way out', async () => {
    // It goes by itself: the suite's own are deleted in the end.
    const { metadata } = await cluster.core.createNamespace({ body: { metadata: { generateName: 'e2e-' } } })
    const namespace = metadata?.name ?? ''
    // Keeps the namespace from going while the test looks.
    const body = { metadata: { name: 'keep', finalizers: ['talon.test/keep'] } }
    await cluster.core.createNamespacedConfigMap({ namespace, body })
    await cluster.core.deleteNamespace({ name: namespace })
    await post('Shell', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web-0' })
    const words = `the namespace '${namespace}' is being deleted`
    await until(() => server.output().includes(words) || undefined, 'the reason is logged')
    expect(server.output().split(words)).toHaveLength(2)
    const free = [{ op: 'remove', path: '/metadata/finalizers' }]
    await cluster.core.patchNamespacedConfigMap({ namespace, name: 'keep', body: free })
  })
})

describe.runIf(real)('a server that has what `talon rbac` prints', { timeout: 240_000 }, () => {
  it('tells Events; without one of the rights it says which is missing', async () => {
    const namespace = await cluster.newNamespace()
    const rules = RULES.split('\n\n')[0] ?? ''
    const account = await openAccount(cluster, namespace, 'told', rules)
    const server = await startServer({ kubeconfig: account.kubeconfig, rules })
    try {
      await cluster.runPod(namespace, 'web-0')
      const post = (mark: string) =>
        server.post(falcoEvent('Shell', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web-0', mark }))
      await account.revoke({ verb: 'create', resource: 'events.events.k8s.io' })
      await post('refused')
      const words = `Talon may not create events.events.k8s.io in namespace '${namespace}'`
      await until(() => server.output().includes(words) || undefined, 'the missing right is logged')
      await account.restore()
      for (const mark of ['first', 'second']) await post(mark)
      const { type } = await eventOf(namespace, 'kubernetes:log:success', ({ series }) => series?.count === 2)
      expect(type).toBe('Normal')
    } finally {
      await server.stop()
      await account.close()
    }
  })
})
