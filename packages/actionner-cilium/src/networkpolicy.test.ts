import { daemonSet, deployment, pod, type KubeObject } from '@talon/sandbox'
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
const all = { toEntities: ['all'] }
const namespaces = (...names: string[]) => ({
  toEndpoints: names.map((name) => ({ matchLabels: { 'k8s:io.kubernetes.pod.namespace': name } })),
})

describe('cilium:networkpolicy', () => {
  it('denies the remote address and leaves everything else', async () => {
    const [web = ''] = seed(deployment({ name: 'web' }))
    expect(await bed.block(web, '192.0.2.7')).toMatchObject({
      status: 'success',
      message:
        "the CiliumNetworkPolicy 'talon-web' in namespace 'default' denies 192.0.2.7/32 and allows everything else for egress of the pods of Deployment 'web'; it was set",
      objects: { pod: web, namespace: 'default', networkpolicy: 'talon-web' },
      output: '+ deny 192.0.2.7/32\n+ allow everything else',
    })
    const policy = await bed.policy('talon-web')
    expect(policy?.metadata).toMatchObject({
      labels: { 'app.kubernetes.io/managed-by': 'talon' },
      managedFields: [{ manager: 'talon', operation: 'Apply' }],
    })
    expect(policy?.spec).toEqual({
      endpointSelector: {
        matchLabels: { 'k8s:app': 'web' },
        matchExpressions: [{ key: 'k8s:talon/isolated', operator: 'DoesNotExist' }],
      },
      egressDeny: [{ toCIDR: ['192.0.2.7/32'] }],
      egress: [all],
    })
  })

  it('denies an IPv6 address, of a DaemonSet as well', async () => {
    const [agent = ''] = seed(daemonSet({ name: 'agent' }))
    await bed.block(agent, '2001:db8::1')
    expect((await bed.policy('talon-agent'))?.spec?.['egressDeny']).toEqual([{ toCIDR: ['2001:db8::1/128'] }])
  })

  it('leaves the lists alone where they are given, and narrows them with each event', async () => {
    const [web = ''] = seed(deployment({ name: 'web' }))
    await bed.block(web, '192.0.2.1', { allow_cidr: ['10.0.0.0/8', 'fd00::/8'], allow_namespaces: ['dns', 'db'] })
    expect((await bed.policy('talon-web'))?.spec?.['egress']).toEqual([
      { toCIDR: ['10.0.0.0/8', 'fd00::/8'] },
      namespaces('dns', 'db'),
    ])
    const told = await bed.block(web, '192.0.2.2', { allow_cidr: ['10.1.0.0/16'], allow_namespaces: ['db'] })
    expect(told).toMatchObject({
      output: [
        '- allow 10.0.0.0/8',
        '- allow fd00::/8',
        '- allow namespace dns',
        '+ deny 192.0.2.2/32',
        '+ allow 10.1.0.0/16',
      ].join('\n'),
    })
    await bed.block(web, '192.0.2.1')
    expect((await bed.policy('talon-web'))?.spec).toMatchObject({
      egressDeny: [{ toCIDR: ['192.0.2.1/32', '192.0.2.2/32'] }],
      egress: [{ toCIDR: ['10.1.0.0/16'] }, namespaces('db')],
    })
  })

  it('allows nothing once two events have nothing in common, and stays so', async () => {
    const [web = ''] = seed(deployment({ name: 'web' }))
    await bed.block(web, '192.0.2.1', { allow_cidr: ['10.0.0.0/8'] })
    await bed.block(web, '192.0.2.1', { allow_namespaces: ['db'] })
    expect((await bed.policy('talon-web'))?.spec?.['egress']).toEqual([{}])
    expect(await bed.block(web, '192.0.2.1')).toMatchObject({
      message: expect.stringMatching(/allows nothing for egress .*; it was so already$/) as string,
    })
    expect((await bed.policy('talon-web'))?.spec?.['egress']).toEqual([{}])
  })

  it('says so where the cluster has no Cilium', async () => {
    await bed.close()
    bed = await openBed(false)
    seed([pod({ name: 'web-0' })])
    expect(await bed.block('web-0', '192.0.2.7')).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('the cluster serves no policies of Cilium') as string,
    })
  })

  it('ignores a pod on the network of its node', async () => {
    const host = pod({ name: 'web-0' })
    host.spec = { ...host.spec, hostNetwork: true }
    seed([host])
    expect(await bed.block('web-0', '192.0.2.7')).toMatchObject({ status: 'ignored' })
  })

  it('changes nothing in a dry run', async () => {
    const [web = ''] = seed(deployment({ name: 'web' }))
    expect(await bed.block(web, '192.0.2.7', {}, true)).toMatchObject({
      status: 'success',
      message: expect.stringMatching(/^dry run: .*; it would be so$/) as string,
    })
    expect(await bed.policy('talon-web')).toBeUndefined()
  })
})
