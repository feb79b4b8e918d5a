import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isGone, real, until, type Cluster } from './cluster.ts'
import { calicoStored, ciliumPolicies } from './crds.ts'
import { openStand, type Stand } from './stand.ts'

/** A node that nothing else of the suite stands on: kwok plays it in the real cluster. */
const NODE = 'kwok-1'

const RULES = `
- rule: Isolate
  match: { rules: [isolate] }
  actions: [{ action: Isolate, actionner: "kubernetes:networkpolicy", parameters: { allow_cidr: ["10.0.0.0/8"] } }]
- rule: Isolate more
  match: { rules: [isolate more] }
  actions: [{ action: Isolate, actionner: "kubernetes:networkpolicy", parameters: { allow_cidr: ["10.1.0.0/16", "192.168.0.0/16"] } }]
- rule: Calico
  match: { rules: [calico] }
  actions: [{ action: Block, actionner: "calico:networkpolicy" }]
- rule: Cilium
  match: { rules: [cilium] }
  actions: [{ action: Block, actionner: "cilium:networkpolicy" }]
- rule: Delete
  match: { rules: [delete], source: k8s_audit }
  actions: [{ action: Delete, actionner: "kubernetes:delete" }]
- rule: Cordon
  match: { rules: [cordon] }
  actions: [{ action: Cordon, actionner: "kubernetes:cordon" }]
- rule: Drain
  match: { rules: [drain] }
  actions: [{ action: Drain, actionner: "kubernetes:drain", parameters: { grace_period_seconds: 0, max_wait_period: 5 } }]
`

let stand: Stand
beforeAll(async () => {
  stand = await openStand(RULES, async (cluster) => {
    await define(cluster)
    if (!real) await cluster.core.createNode({ body: { metadata: { name: NODE } } })
  })
}, 240_000)
afterAll(() => stand.close(), 60_000)

/** Kinds of the network plugins; another suite of this run may have made them. */
async function define(cluster: Cluster): Promise<void> {
  for (const definition of [calicoStored, ciliumPolicies]) {
    await cluster.objects.create(definition).catch((error: unknown) => {
      if ((error as { code?: number }).code !== 409) throw error
    })
    const { group, versions, names } = definition.spec
    const apiVersion = `${group}/${versions[0]?.name}`
    await until(
      () =>
        cluster.objects.list(apiVersion, names.kind).then(
          () => true,
          () => undefined,
        ),
      `${names.kind} is served`,
    )
  }
}

/** Another client's view of the one policy that is in the namespace. */
async function policies(
  apiVersion: string,
  kind: string,
): Promise<{ metadata: { name: string; labels: object }; spec: Record<string, unknown> }[]> {
  const { items } = await stand.cluster.objects.list(apiVersion, kind, stand.namespace)
  return items as never
}
const run = (name: string) => stand.cluster.runPod(stand.namespace, name, { metadata: { labels: { app: name } } })

describe('a network policy', { timeout: 240_000 }, () => {
  it('of Kubernetes blocks the egress but what is allowed; a later event narrows it', async () => {
    await run('talker')
    expect(await stand.respond('isolate', { 'k8s.pod.name': 'talker' })).toMatchObject({ status: 'success' })
    const [first] = await policies('networking.k8s.io/v1', 'NetworkPolicy')
    expect(first?.metadata).toMatchObject({
      name: expect.stringContaining('talon'),
      labels: { 'app.kubernetes.io/managed-by': 'talon' },
    })
    expect(JSON.stringify(first?.spec)).toContain('10.0.0.0/8')
    expect(first?.spec['policyTypes']).toEqual(['Egress'])
    expect(JSON.stringify(first?.spec['podSelector'])).toContain('talker')

    expect(await stand.respond('isolate more', { 'k8s.pod.name': 'talker' })).toMatchObject({ status: 'success' })
    const [second, ...others] = await policies('networking.k8s.io/v1', 'NetworkPolicy')
    expect(others).toEqual([])
    const text = JSON.stringify(second?.spec)
    expect(text).toContain('10.1.0.0/16')
    expect(text).not.toMatch(/10\.0\.0\.0\/8|192\.168/)
  })

  it.each([
    ['calico', 'crd.projectcalico.org/v1', 'NetworkPolicy', '192.0.2.7', '192.0.2.7/32'],
    ['cilium', 'cilium.io/v2', 'CiliumNetworkPolicy', '2001:db8::7', '2001:db8::7/128'],
  ])('of %s denies the remote address of the event', async (rule, apiVersion, kind, ip, cidr) => {
    await run(`talker-${rule}`)
    const fields = { 'k8s.pod.name': `talker-${rule}`, 'fd.rip': ip, 'fd.rport': 443 }
    expect(await stand.respond(rule, fields)).toMatchObject({ status: 'success' })
    const made = await policies(apiVersion, kind)
    expect(made.map(({ metadata }) => metadata.labels)).toEqual([
      expect.objectContaining({ 'app.kubernetes.io/managed-by': 'talon' }),
    ])
    expect(JSON.stringify(made)).toContain(cidr)
  })

  it('is not made for an event without the address that it is about', async () => {
    expect(await stand.respond('calico', { 'k8s.pod.name': 'talker' })).toMatchObject({
      status: 'failure',
      error: expect.stringContaining('fd.rip'),
    })
  })
})

describe('what the audit log says', { timeout: 240_000 }, () => {
  const audited = (name: string, code = '201', resource = 'configmaps') => ({
    ...{ 'ka.target.resource': resource, 'ka.target.name': name, 'ka.target.namespace': stand.namespace },
    ...{
      'ka.uri': `/api/v1/namespaces/${stand.namespace}/${resource}`,
      'ka.response.code': code,
      'ka.verb': 'create',
      'k8s.ns.name': null,
    },
  })
  const make = (name: string) =>
    stand.cluster.core.createNamespacedConfigMap({ namespace: stand.namespace, body: { metadata: { name } } })
  const isThere = (name: string) =>
    stand.cluster.core.readNamespacedConfigMap({ namespace: stand.namespace, name }).then(
      () => true,
      (error: unknown) => {
        if (isGone(error)) return false
        throw error
      },
    )
  /** An event of the audit log. */
  const say = (fields: Readonly<Record<string, unknown>>) => stand.respond('delete', { ...fields, source: 'k8s_audit' })

  it('came about is deleted; what was refused, or is gone, is left alone', async () => {
    await make('made')
    expect(await say(audited('made'))).toMatchObject({ status: 'success' })
    expect(await isThere('made')).toBe(false)
    await make('refused')
    expect(await say(audited('refused', '403'))).toMatchObject({ status: 'ignored' })
    expect(await isThere('refused')).toBe(true)
    expect(await say(audited('never'))).toMatchObject({ status: 'ignored' })
    expect(await say(audited('x', '201', 'nosuchkinds'))).toMatchObject({
      status: 'failure',
      error: expect.stringContaining('nosuchkinds'),
    })
  })
})

describe('a node', { timeout: 240_000 }, () => {
  const onNode = (name: string) =>
    stand.cluster.runPod(stand.namespace, name, {
      metadata: { labels: { app: name } },
      spec: { nodeName: NODE, tolerations: [{ operator: 'Exists' }] },
    })

  it('is cordoned', async () => {
    await onNode('on-it')
    expect(await stand.respond('cordon', { 'k8s.pod.name': 'on-it' })).toMatchObject({ status: 'success' })
    expect((await stand.cluster.core.readNode({ name: NODE })).spec?.unschedulable).toBe(true)
  })

  it('is drained of its pods, and of no others', async () => {
    await onNode('one')
    await onNode('two')
    await run('elsewhere')
    const told = await stand.respond('drain', { 'k8s.pod.name': 'one' })
    expect([told.status, told.error]).toEqual(['success', undefined])
    const names = async () =>
      (await stand.cluster.core.listNamespacedPod({ namespace: stand.namespace })).items.map(
        ({ metadata }) => metadata?.name,
      )
    const left = await until(async () => {
      const now = await names()
      return now.includes('one') || now.includes('two') ? undefined : now
    }, 'the pods are gone')
    expect(left).toContain('elsewhere')
  })
})
