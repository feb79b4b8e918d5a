import { deployment, pod, type KubeObject } from '@talon/sandbox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBed, type Bed } from '../testing/bed.ts'

let bed: Bed
beforeEach(async () => {
  bed = await openBed()
})
afterEach(() => bed.close())

const seed = (objects: KubeObject[]) => {
  bed.sandbox.seed(objects)
  return objects.filter(({ kind }) => kind === 'Pod').map(({ metadata }) => metadata.name)
}
const deny = (...nets: string[]) => ({ action: 'Deny', destination: { nets } })
const all = { action: 'Allow' }
const rules = async (name = 'talon-web') => (await bed.policy(name))?.spec?.['egress']

describe('calico:networkpolicy', () => {
  it('denies the remote address first and leaves everything else', async () => {
    const [web = ''] = seed(deployment({ name: 'web' }))
    expect(await bed.block(web, '192.0.2.7', { order: 5 })).toMatchObject({
      status: 'success',
      message:
        "the Calico NetworkPolicy 'talon-web' in namespace 'default' denies 192.0.2.7/32 and allows everything else for egress of the pods of Deployment 'web'; it was set",
      objects: { pod: web, namespace: 'default', networkpolicy: 'talon-web' },
      output: '+ deny 192.0.2.7/32\n+ allow everything else',
    })
    expect(await bed.policy('talon-web')).toMatchObject({
      apiVersion: 'projectcalico.org/v3',
      metadata: { labels: { 'app.kubernetes.io/managed-by': 'talon' } },
      spec: {
        selector: "app == 'web' && !has(talon/isolated)",
        types: ['Egress'],
        order: 5,
        egress: [deny('192.0.2.7/32'), all],
      },
    })
    expect((await bed.policy('talon-web'))?.metadata?.managedFields).toMatchObject([
      { manager: 'talon', operation: 'Apply' },
    ])
  })

  it.each([
    ['2001:DB8::1', '2001:db8::1/128'],
    ['::ffff:192.0.2.9', '192.0.2.9/32'],
  ])('denies %s as %s', async (ip, net) => {
    seed([pod({ name: 'web-0', labels: { app: 'web' } })])
    await bed.block('web-0', ip)
    expect(await rules('talon-web-0')).toEqual([deny(net), all])
  })

  it('leaves the lists alone where they are given', async () => {
    const [web = ''] = seed(deployment({ name: 'web' }))
    await bed.block(web, '10.0.0.9', { allow_cidr: ['10.1.2.3/8'], allow_namespaces: ['kube-system'] })
    expect(await rules()).toEqual([
      deny('10.0.0.9/32'),
      { action: 'Allow', destination: { nets: ['10.0.0.0/8'] } },
      { action: 'Allow', destination: { namespaceSelector: "projectcalico.org/name == 'kube-system'" } },
    ])
  })

  it('adds the address of a later event, narrows its lists, and goes no further back', async () => {
    const [web = ''] = seed(deployment({ name: 'web' }))
    await bed.block(web, '192.0.2.1', { order: 5 })
    await bed.block(web, '192.0.2.2', { allow_cidr: ['10.0.0.0/8'], allow_namespaces: ['dns', 'db'], order: 50 })
    await bed.block(web, '192.0.2.1', { allow_cidr: ['10.1.0.0/16', '172.16.0.0/12'], allow_namespaces: ['db'] })
    await bed.block(web, '192.0.2.2')
    expect((await bed.policy('talon-web'))?.spec).toMatchObject({
      order: 5,
      egress: [
        deny('192.0.2.1/32', '192.0.2.2/32'),
        { action: 'Allow', destination: { nets: ['10.1.0.0/16'] } },
        { action: 'Allow', destination: { namespaceSelector: "projectcalico.org/name == 'db'" } },
      ],
    })
    await bed.block(web, '192.0.2.1', { allow_cidr: ['203.0.113.0/24'] })
    expect(await rules()).toEqual([deny('192.0.2.1/32', '192.0.2.2/32')])
    await bed.block(web, '192.0.2.1')
    expect(await rules()).toEqual([deny('192.0.2.1/32', '192.0.2.2/32')])
  })

  it('loses no address where many events come at once', async () => {
    const pods = seed(deployment({ name: 'web', replicas: 12 }))
    const told = await Promise.all(
      pods.map((name, n) => bed.block(name, `192.0.2.${n}`, n === 5 ? { allow_cidr: ['10.0.0.0/8'] } : {})),
    )
    expect(new Set(told.map(({ status }) => status))).toEqual(new Set(['success']))
    const [{ destination }, ...open] = (await rules()) as [ReturnType<typeof deny>, object]
    expect(new Set(destination.nets)).toEqual(new Set(pods.map((_, n) => `192.0.2.${n}/32`)))
    expect(open).toEqual([{ action: 'Allow', destination: { nets: ['10.0.0.0/8'] } }])
  })

  it('takes the CRDs, and their names, where there is no API server of Calico', async () => {
    await bed.close()
    bed = await openBed(['v1'])
    const [web = ''] = seed(deployment({ name: 'web' }))
    await bed.block(web, '192.0.2.7')
    expect(await bed.policy('default.talon-web', 'v1')).toMatchObject({
      apiVersion: 'crd.projectcalico.org/v1',
      spec: { selector: "app == 'web' && !has(talon/isolated)", egress: [deny('192.0.2.7/32'), all] },
    })
  })

  it('says so where the cluster has no Calico', async () => {
    await bed.close()
    bed = await openBed([])
    seed([pod({ name: 'web-0' })])
    expect(await bed.block('web-0', '192.0.2.7')).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('the cluster serves no policies of Calico') as string,
    })
  })

  it.each(['not-an-address', '192.0.2.7/32', ''])('fails where the remote address is %j', async (ip) => {
    seed([pod({ name: 'web-0' })])
    expect(await bed.block('web-0', ip)).toMatchObject({ status: expect.stringMatching(/failure|ignored/) as string })
    expect(await bed.policy('talon-web-0')).toBeUndefined()
  })

  it('changes nothing in a dry run, and shows what would', async () => {
    const [web = ''] = seed(deployment({ name: 'web', labels: {} }))
    const told = await bed.block(web, '192.0.2.7', { scope: 'pod' }, true)
    expect(told).toMatchObject({ status: 'success', output: '+ deny 192.0.2.7/32\n+ allow everything else' })
    expect(await bed.policy(`talon-${web}`)).toBeUndefined()
    expect(bed.sandbox.find('pods', 'default', web)?.metadata.labels).not.toHaveProperty(['talon/isolated'])
  })
})
