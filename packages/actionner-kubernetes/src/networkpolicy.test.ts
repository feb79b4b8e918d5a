import { daemonSet, deployment, pod, statefulSet, type KubeObject } from '@talon/sandbox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventOn, openBed, podOf, type Bed } from '../testing/bed.ts'
import { networkpolicy } from './networkpolicy.ts'

let bed: Bed
beforeEach(async () => {
  bed = await openBed()
})
afterEach(() => bed.close())

const seed = (objects: KubeObject[]) => {
  bed.sandbox.seed(objects)
  return { fields: { 'k8s.pod.name': podOf(objects) } }
}
const policy = (name: string) => bed.sandbox.find('networkpolicies', 'default', name)
const dns = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } }
const other = (name: string, spec: object, labels = {}): KubeObject =>
  ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: 'default', labels },
    spec,
  }) as KubeObject

describe('kubernetes:networkpolicy', () => {
  it.each([
    ['Deployment', () => deployment({ name: 'web' }), 'talon-web'],
    ['StatefulSet', () => statefulSet({ name: 'web' }), 'talon-web'],
    ['DaemonSet', () => daemonSet({ name: 'web' }), 'talon-web'],
  ])('blocks all egress of a %s, of all its versions', async (kind, objects, name) => {
    expect(await bed.run(networkpolicy, {}, seed(objects()))).toMatchObject({
      status: 'success',
      message: `the NetworkPolicy '${name}' in namespace 'default' allows nothing for egress of the pods of ${kind} 'web'; it was set`,
      objects: { networkpolicy: name, namespace: 'default' },
    })
    expect(policy(name)).toMatchObject({
      metadata: { labels: { 'app.kubernetes.io/managed-by': 'talon' } },
      spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'], egress: [] },
    })
    expect(policy(name)?.spec?.['podSelector']).toEqual({
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'talon/isolated', operator: 'DoesNotExist' }],
    })
  })

  it('leaves what is allowed', async () => {
    const allow = { allow_cidr: ['10.0.0.0/8', '2001:db8::/32'], allow_namespaces: ['kube-system'] }
    const { message } = await bed.run(networkpolicy, allow, seed(deployment({ name: 'web' })))
    expect(message).toContain(
      'allows 10.0.0.0/8, 2001:db8::/32, namespace kube-system for egress of the pods of Deployment',
    )
    expect(policy('talon-web')?.spec?.['egress']).toEqual([
      { to: [{ ipBlock: { cidr: '10.0.0.0/8' } }, { ipBlock: { cidr: '2001:db8::/32' } }, dns] },
    ])
  })

  it.each([
    ['stands alone, without labels', () => [pod({ name: 'web-0' })], {}],
    ['is meant alone', () => statefulSet({ name: 'web', replicas: 2 }), { scope: 'pod' as const }],
    ['has an owner whose pods share no label', () => deployment({ name: 'web', labels: {} }), {}],
  ])('selects the one pod by a label that it puts on it where the pod %s', async (_, objects, parameters) => {
    const on = seed(objects())
    const told = await bed.run(networkpolicy, parameters, on)
    const marked = bed.sandbox.find('pods', 'default', on.fields['k8s.pod.name'])?.metadata.labels?.['talon/isolated']
    expect(marked).toMatch(/^[0-9a-f]{10}$/)
    expect(policy((told.objects as { networkpolicy?: string }).networkpolicy ?? '')?.spec?.['podSelector']).toEqual({
      matchLabels: { 'talon/isolated': marked },
    })
  })

  it('narrows what an earlier event allowed, and never widens it', async () => {
    const on = seed(deployment({ name: 'web' }))
    await bed.run(
      networkpolicy,
      { allow_cidr: ['10.0.0.0/8', '192.0.2.0/24'], allow_namespaces: ['kube-system', 'shop'] },
      on,
    )
    const told = await bed.run(
      networkpolicy,
      { allow_cidr: ['10.1.0.0/16', '203.0.113.0/24'], allow_namespaces: ['kube-system'] },
      on,
    )
    expect(policy('talon-web')?.spec?.['egress']).toEqual([{ to: [{ ipBlock: { cidr: '10.1.0.0/16' } }, dns] }])
    expect(told).toMatchObject({
      output: expect.stringMatching(/^- allow 10.0.0.0\/8\n.*\n\+ allow 10.1.0.0\/16/s) as string,
    })
    await bed.run(networkpolicy, {}, on)
    expect(policy('talon-web')?.spec?.['egress']).toEqual([])
    await bed.run(networkpolicy, { allow_cidr: ['0.0.0.0/0'] }, on)
    expect(policy('talon-web')?.spec?.['egress']).toEqual([])
  })

  it('narrows also where many events come at once', async () => {
    const objects = deployment({ name: 'web', replicas: 4 })
    bed.sandbox.seed(objects)
    const lists = [['10.0.0.0/8'], ['10.1.0.0/16'], ['10.0.0.0/8', '192.0.2.0/24'], ['10.1.1.0/24', '198.51.100.0/24']]
    const told = await Promise.all(
      lists.map((allow_cidr, n) =>
        bed.run(networkpolicy, { allow_cidr }, { fields: { 'k8s.pod.name': podOf(objects, n) } }),
      ),
    )
    expect(told.map(({ status }) => status)).toEqual(['success', 'success', 'success', 'success'])
    expect(policy('talon-web')?.spec?.['egress']).toEqual([{ to: [{ ipBlock: { cidr: '10.1.1.0/24' } }] }])
  })

  it('never touches an object of that name that is not Talon’s', async () => {
    const on = seed(deployment({ name: 'web' }))
    bed.sandbox.seed(other('talon-web', { podSelector: {}, policyTypes: ['Ingress'] }))
    expect(await bed.run(networkpolicy, {}, on)).toMatchObject({
      status: 'failure',
      message: expect.stringContaining("is not Talon's: it lacks the label") as string,
    })
    expect(policy('talon-web')?.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress'] })
  })

  it('names the other policies that let egress through', async () => {
    const on = seed(deployment({ name: 'web' }))
    const egress = [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }]
    bed.sandbox.seed(
      other('open', { podSelector: {}, policyTypes: ['Egress'], egress }),
      other('web', { podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] }, egress }),
      other('shop', { podSelector: { matchLabels: { app: 'shop' } }, egress }),
      other('closed', { podSelector: {}, policyTypes: ['Egress'], egress: [] }),
    )
    const { message } = await bed.run(networkpolicy, {}, on)
    expect(message).toMatch(/; egress is still let through by open, web$/)
  })

  it("names neither the owner's policy, which leaves the pod out by then, nor the pod's own, which is narrowed too", async () => {
    const on = seed(deployment({ name: 'web' }))
    const allow_cidr = ['10.0.0.0/8']
    await bed.run(networkpolicy, { allow_cidr }, on)
    const own = await bed.run(networkpolicy, { allow_cidr, scope: 'pod' }, on)
    expect(own.message).toMatch(/allows 10\.0\.0\.0\/8 for egress of the pod .*; it was set$/)
    const { networkpolicy: name = '' } = own.objects as { networkpolicy?: string }
    const later = { event: eventOn(on.fields) }
    expect(await bed.run(networkpolicy, {}, later)).toMatchObject({
      message: `the NetworkPolicy 'talon-web' in namespace 'default' allows nothing for egress of the pods of Deployment 'web'; it was set; so was the pod's own, '${name}'`,
    })
    expect([policy('talon-web'), policy(name)].map((one) => one?.spec?.['egress'])).toEqual([[], []])
  })

  it('says that no policy reaches a pod on the network of its node', async () => {
    const host = pod({ name: 'web-0' })
    host.spec = { ...host.spec, hostNetwork: true }
    bed.sandbox.seed(host)
    expect(await bed.run(networkpolicy, {})).toMatchObject({ status: 'ignored' })
  })

  it('changes nothing in a dry run', async () => {
    bed.sandbox.seed(pod({ name: 'web-0' }))
    expect(await bed.run(networkpolicy, {}, { dryRun: true })).toMatchObject({
      status: 'success',
      message: expect.stringContaining("for egress of the pod 'web-0'; it would be so") as string,
      output: '+ allow nothing',
    })
    expect(bed.writes().every((line) => line.endsWith(' dry'))).toBe(true)
    expect(bed.sandbox.find('pods', 'default', 'web-0')?.metadata.labels).toEqual({})
  })

  it.each(['10.0.0.0', '10.0.0.0/33', '300.0.0.0/8', '2001:db8::/129', 'fe80::1%eth0/64', '10.0.0.0/8/8', '', 'a/8'])(
    'takes no allow_cidr of %j',
    (cidr) => {
      expect(networkpolicy.parameters.safeParse({ allow_cidr: [cidr] }).success).toBe(false)
    },
  )
})
