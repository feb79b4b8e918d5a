import { pod } from '@talon/sandbox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBed, type Bed } from '../testing/bed.ts'
import { label } from './label.ts'

let bed: Bed
beforeEach(async () => {
  bed = await openBed()
  bed.sandbox.seed(pod({ name: 'web-0', labels: { app: 'web', old: 'x' } }))
})
afterEach(() => bed.close())

const labels = () => bed.sandbox.find('pods', 'default', 'web-0')?.metadata.labels

describe('kubernetes:label', () => {
  it('sets and removes labels of the pod', async () => {
    expect(await bed.run(label, { labels: { suspicious: 'true', old: '' } })).toMatchObject({
      status: 'success',
      message: "labels of the pod 'web-0' in namespace 'default' changed: suspicious=true, old removed",
      objects: { pod: 'web-0', namespace: 'default' },
    })
    expect(labels()).toEqual({ app: 'web', suspicious: 'true' })
  })

  it('removes what is not there without complaint', async () => {
    expect(await bed.run(label, { labels: { never: '' } })).toMatchObject({ status: 'success' })
    expect(labels()).toEqual({ app: 'web', old: 'x' })
  })

  it("labels the pod's node", async () => {
    expect(await bed.run(label, { labels: { suspicious: 'true' }, level: 'node' })).toMatchObject({
      status: 'success',
      objects: { pod: 'web-0', namespace: 'default', node: 'node-1' },
    })
    expect(bed.sandbox.find('nodes', undefined, 'node-1')?.metadata.labels).toMatchObject({ suspicious: 'true' })
    expect(labels()).toEqual({ app: 'web', old: 'x' })
  })

  it('shows in a dry run what would change', async () => {
    const told = await bed.run(label, { labels: { app: 'db', suspicious: 'true', old: '' } }, { dryRun: true })
    expect(told).toMatchObject({ status: 'success', output: '- app=web\n+ app=db\n- old=x\n+ suspicious=true' })
    expect(labels()).toEqual({ app: 'web', old: 'x' })
    expect(bed.writes()).toEqual(['PATCH /api/v1/namespaces/default/pods/web-0 dry'])
  })

  it('ignores a pod without a node where its node is meant', async () => {
    bed.sandbox.seed({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'waiting', namespace: 'default' },
      spec: { containers: [{ name: 'main', image: 'x' }] },
    })
    expect(
      await bed.run(label, { labels: { a: 'b' }, level: 'node' }, { fields: { 'k8s.pod.name': 'waiting' } }),
    ).toMatchObject({ status: 'ignored', message: expect.stringContaining('has no node yet') as string })
  })

  it.each([
    [{ a: 'b c' }],
    [{ a: 'x'.repeat(64) }],
    [{ a: '-b' }],
    [{ 'a b': 'c' }],
    [{ 'Example.com/a': 'b' }],
    [{ 'a/b/c': 'd' }],
    [{ '': 'b' }],
    [{}],
  ])('takes no labels that Kubernetes would refuse: %j', (labels) => {
    expect(label.parameters.safeParse({ labels }).success).toBe(false)
  })

  it.each([[{ 'example.com/a_b.c': 'A_b.c-9' }], [{ a: '' }]])('takes %j', (labels) => {
    expect(label.parameters.safeParse({ labels }).success).toBe(true)
  })
})
