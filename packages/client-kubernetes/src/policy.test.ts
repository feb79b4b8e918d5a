import { daemonSet, deployment, pod, statefulSet, type KubeObject, type Sandbox } from '@talon/sandbox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStand, type Stand } from '../testing/stand.ts'
import type { Kubernetes } from './api.ts'
import type { Egress } from './egress.ts'
import { networkPolicies, pods, type FoundPod } from './index.ts'
import { policyName } from './policy-name.ts'
import { isolate, type PolicyForm, type Scope } from './policy.ts'

const { signal } = new AbortController()
const everything: Egress = { deny: ['192.0.2.1/32'], allow: 'everything' }

/** A policy whose peers are what it denies: enough to see whom it selects and what it adds up to. */
const form: PolicyForm = {
  resource: networkPolicies,
  kind: 'NetworkPolicy',
  selector: ({ labels, without }) => ({
    podSelector: {
      matchLabels: labels,
      ...(without && { matchExpressions: [{ key: without, operator: 'DoesNotExist' }] }),
    },
  }),
  rules: ({ deny }) => ({ policyTypes: ['Egress'], egress: deny.map((cidr) => ({ to: [{ ipBlock: { cidr } }] })) }),
  read: ({ spec }) => {
    const rules = (spec?.['egress'] ?? []) as { to: { ipBlock: { cidr: string } }[] }[]
    return { deny: rules.flatMap(({ to }) => to.map(({ ipBlock }) => ipBlock.cidr)), allow: 'everything' }
  },
}

let stand: Stand
let sandbox: Sandbox
let client: Kubernetes
beforeEach(async () => {
  stand = await openStand()
  ;({ sandbox, client } = stand)
})
afterEach(() => stand.close())

interface Asked {
  readonly n?: number
  readonly scope?: Scope
  readonly egress?: Egress
}

async function isolated(objects: KubeObject[], { n = 0, scope = 'owner', egress = everything }: Asked = {}) {
  const name = objects.filter(({ kind }) => kind === 'Pod')[n]?.metadata.name ?? ''
  const found = (await client.get({ ...pods, namespace: 'default', name }, signal)) as FoundPod
  return isolate(client, found, { form, scope, egress }, { signal })
}
const seeded = (objects: KubeObject[], change?: (object: KubeObject) => void) => {
  for (const object of objects) change?.(object)
  sandbox.seed(objects)
  return objects
}
const policy = (name: string) => sandbox.find('networkpolicies', 'default', name)
const selected = (name: string) =>
  (policy(name)?.spec?.['podSelector'] as { matchLabels?: object } | undefined)?.matchLabels
const labelsOf = (name: string) => sandbox.find('pods', 'default', name)?.metadata.labels
const marked = { 'talon/isolated': expect.stringMatching(/^[0-9a-f]{10}$/) as string }

const job = (labels: object): KubeObject[] => {
  const own = { 'batch.kubernetes.io/controller-uid': 'u', 'batch.kubernetes.io/job-name': 'run-1', ...labels }
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'run-1', uid: 'j', controller: true }
  const cron = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'run', uid: 'c', controller: true }
  const selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } }
  return [
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'run-1', namespace: 'default', uid: 'j', ownerReferences: [cron] },
      spec: { selector, template: { metadata: { labels: own }, spec: { containers: [] } } },
    },
    pod({ name: 'run-1-x', labels: own }, owner),
  ]
}

describe('whom a policy selects', () => {
  it.each([
    ['Deployment', () => deployment({ name: 'web' })],
    ['StatefulSet', () => statefulSet({ name: 'web' })],
    ['DaemonSet', () => daemonSet({ name: 'web' })],
  ])('the pods of a %s, by its labels less the hashes', async (kind, objects) => {
    expect(await isolated(seeded(objects()))).toMatchObject({ name: 'talon-web', whom: `the pods of ${kind} 'web'` })
    expect(selected('talon-web')).toEqual({ app: 'web' })
  })

  it('the pods of all runs of a CronJob, by the labels of their template', async () => {
    expect(await isolated(seeded(job({ app: 'run' })))).toMatchObject({
      name: 'talon-run',
      whom: "the pods of CronJob 'run'",
    })
    expect(selected('talon-run')).toEqual({ app: 'run' })
  })

  it.each([
    ['is asked for alone', () => statefulSet({ name: 'web' }), 'pod' as const],
    ['has no labels', () => [pod({ name: 'web-0' })], 'owner' as const],
    ['has an owner whose pods share no label', () => job({}), 'owner' as const],
  ])('the one pod, marked first, where it %s', async (_, objects, scope) => {
    const { name, whom } = await isolated(seeded(objects()), { scope })
    const [, one = ''] = /^the pod '(.*)'$/.exec(whom) ?? []
    expect(name).toBe(`talon-${one}`)
    expect(selected(name)).toEqual(marked)
    expect(labelsOf(one)).toMatchObject(selected(name) ?? marked)
  })

  it('two pods that share no label have a policy each', async () => {
    const owner = { apiVersion: 'example.com/v1', kind: 'Gang', name: 'gang', uid: 'g', controller: true }
    const gang = seeded([pod({ name: 'a' }, owner), pod({ name: 'b' }, owner)])
    expect([await isolated(gang), await isolated(gang, { n: 1 })]).toMatchObject([
      { name: 'talon-a' },
      { name: 'talon-b' },
    ])
    expect(selected('talon-a')).not.toEqual(selected('talon-b'))
  })

  it('a pod with a policy of its own is out of the one of its owner, which it begins with', async () => {
    const web = seeded(deployment({ name: 'web', replicas: 2 }))
    const deny = (address: string): { egress: Egress } => ({ egress: { deny: [address], allow: 'everything' } })
    const denied = (name: string) => form.read(policy(name) as object).deny
    await isolated(web, deny('192.0.2.1/32'))
    const { name } = await isolated(web, { scope: 'pod', ...deny('192.0.2.2/32') })
    expect(denied(name)).toEqual(['192.0.2.1/32', '192.0.2.2/32'])
    expect(denied('talon-web')).toEqual(['192.0.2.1/32'])
    expect(policy('talon-web')?.spec?.['podSelector']).toMatchObject({
      matchExpressions: [{ key: 'talon/isolated', operator: 'DoesNotExist' }],
    })
    const written = sandbox.requests.filter(({ method }) => method === 'PATCH').map(({ path }) => path)
    expect(written.slice(-2)).toEqual([
      expect.stringContaining(`/networkpolicies/${name}`),
      expect.stringContaining('/pods/'),
    ])

    await isolated(web, deny('192.0.2.3/32'))
    expect(denied('talon-web')).toEqual(['192.0.2.1/32', '192.0.2.3/32'])
    expect(denied(name)).toEqual(['192.0.2.1/32', '192.0.2.2/32', '192.0.2.3/32'])
    await isolated(web, { n: 1, ...deny('192.0.2.4/32') })
    expect(denied(name)).not.toContain('192.0.2.4/32')
  })

  it('pods of another workload of that name keep theirs', async () => {
    await isolated(seeded(deployment({ name: 'web' })))
    const { name } = await isolated(seeded(statefulSet({ name: 'web', labels: { app: 'other' } })))
    expect(name).toMatch(/^talon-web-[0-9a-f]{10}$/)
    expect(selected('talon-web')).toEqual({ app: 'web' })
    expect(selected(name)).toEqual({ app: 'other' })
  })
})

describe('what a policy is made of', () => {
  const foreign = (labels: object) =>
    ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'talon-web', namespace: 'default', labels },
      spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'] },
    }) as unknown as KubeObject

  it.each([{}, { 'app.kubernetes.io/managed-by': 'Helm' }])('one of others is left alone: %j', async (labels) => {
    const web = seeded(deployment({ name: 'web' }))
    sandbox.seed(foreign(labels))
    await expect(isolated(web)).rejects.toThrow(/'talon-web' in namespace 'default' is not Talon's/)
    expect(policy('talon-web')?.spec).toEqual({ podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'] })
  })

  it('is created where the API knows no apply to what is not there', async () => {
    const web = seeded(deployment({ name: 'web' }))
    sandbox.fail({ method: 'PATCH', path: '/networkpolicies/talon-web', status: 404 })
    expect(await isolated(web)).toMatchObject({ name: 'talon-web', before: undefined })
    await isolated(web, { egress: { deny: ['192.0.2.2/32'], allow: 'everything' } })
    expect(form.read(policy('talon-web') as object).deny).toEqual(['192.0.2.1/32', '192.0.2.2/32'])
  })

  it('takes no more than it can hold', async () => {
    const web = seeded(deployment({ name: 'web' }))
    const deny = Array.from({ length: 500 }, (_, n) => `10.0.${n >> 8}.${n & 255}/32`)
    await isolated(web, { egress: { deny, allow: 'everything' } })
    await expect(isolated(web)).rejects.toThrow(/denies 500 networks already/)
  })
})

describe('policyName', () => {
  it.each([
    ['web', 'talon-web'],
    ['web.v2', 'talon-web.v2'],
  ])('of %s is %s', (workload, name) => {
    expect(policyName(workload)).toBe(name)
  })

  it.each(['Web', 'system:web', 'web_1', '-', '..', 'a'.repeat(253), `${'a'.repeat(223)}.-x`, `${'a.'.repeat(120)}b`])(
    'of %j is valid, and told apart',
    (workload) => {
      const name = policyName(workload)
      expect(name).toMatch(/^talon-[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/)
      expect(name.length).toBeLessThanOrEqual(241)
      expect(policyName(`${workload}x`)).not.toBe(name)
    },
  )
})
