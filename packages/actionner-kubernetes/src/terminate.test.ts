import { daemonSet, deployment, pod, statefulSet, type KubeObject } from '@talon/sandbox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBed, podOf, type Bed } from '../testing/bed.ts'
import { terminate } from './terminate.ts'

let bed: Bed
beforeEach(async () => {
  bed = await openBed()
})
afterEach(() => bed.close())

const seed = (objects: KubeObject[]): string => {
  bed.sandbox.seed(objects)
  return podOf(objects)
}
const on = (name: string) => ({ fields: { 'k8s.pod.name': name } })
const exists = (name: string) => bed.sandbox.find('pods', 'default', name) !== undefined

describe('kubernetes:terminate', () => {
  it('deletes the pod at once, and says which one', async () => {
    const name = seed([pod({ name: 'web-0' })])
    expect(await bed.run(terminate, {})).toMatchObject({
      status: 'success',
      message: "the pod 'web-0' in namespace 'default' was deleted",
      objects: { pod: 'web-0', namespace: 'default' },
    })
    expect(exists(name)).toBe(false)
  })

  it('gives the processes time where it is told to', async () => {
    // As long as the sandbox lives, the pod is on its way out.
    await bed.close()
    bed = await openBed({ endDelay: 600_000 })
    const name = seed([pod({ name: 'web-0' })])
    await bed.run(terminate, { grace_period_seconds: 7 })
    expect(bed.sandbox.find('pods', 'default', name)?.metadata).toMatchObject({ deletionGracePeriodSeconds: 7 })
  })

  it('ignores a pod that is gone, or was never there: nobody can tell', async () => {
    expect(await bed.run(terminate, {})).toMatchObject({
      status: 'ignored',
      message: "there is no pod 'web-0' in namespace 'default': it is gone already, or never was",
    })
    expect(bed.writes()).toEqual([])
  })

  it.each([
    ['ignore_daemonsets', () => daemonSet({ name: 'web' }), "is a DaemonSet's: ignore_daemonsets is true"],
    ['ignore_statefulsets', () => statefulSet({ name: 'web' }), "is a StatefulSet's: ignore_statefulsets is true"],
    ['ignore_standalone_pods', () => [pod({ name: 'web-0' })], 'stands alone: ignore_standalone_pods is true'],
  ])('leaves alone what %s says, and nothing else', async (parameter, objects, reason) => {
    const name = seed(objects())
    const other = seed(deployment({ name: 'other' }))
    expect(await bed.run(terminate, { [parameter]: true }, on(name))).toMatchObject({
      status: 'ignored',
      message: expect.stringContaining(reason) as string,
    })
    expect(await bed.run(terminate, { [parameter]: true }, on(other))).toMatchObject({ status: 'success' })
    expect([exists(name), exists(other)]).toEqual([true, false])
  })

  it.each([
    [3, '2', 'success'],
    [3, 2, 'success'],
    [3, '3', 'ignored'],
    [3, '66%', 'success'],
    [3, '67%', 'ignored'],
    [1, '1%', 'ignored'],
    [1, '0%', 'success'],
    [1, 0, 'success'],
  ])('of %i ready replicas, with at least %s to stay: %s', async (replicas, min_healthy_replicas, status) => {
    const name = seed(deployment({ name: 'web', replicas }))
    expect(await bed.run(terminate, { min_healthy_replicas }, on(name))).toMatchObject({ status })
    expect(exists(name)).toBe(status === 'ignored')
  })

  it('does not count a pod that is not ready as one that is lost', async () => {
    const objects = statefulSet({ name: 'web', replicas: 3 })
    for (const object of objects) {
      if (object.kind === 'StatefulSet') object.status = { ...object.status, readyReplicas: 2 }
      if (object.metadata.name === 'web-0')
        object.status = { ...object.status, conditions: [{ type: 'Ready', status: 'False' }] }
    }
    const name = seed(objects)
    expect(await bed.run(terminate, { min_healthy_replicas: 2 }, on(name))).toMatchObject({ status: 'success' })
  })

  it('counts what an event a moment ago took, before the owner knows', async () => {
    await bed.close()
    bed = await openBed({ replaceDelay: 1_000_000 })
    const objects = deployment({ name: 'web', replicas: 3 })
    bed.sandbox.seed(objects)
    const told = []
    for (const n of [0, 1, 2]) told.push(await bed.run(terminate, { min_healthy_replicas: 2 }, on(podOf(objects, n))))
    expect(told.map(({ status }) => status)).toEqual(['success', 'ignored', 'ignored'])
  })

  it('says how many would be left, and which setting asks for more', async () => {
    const name = seed(daemonSet({ name: 'web' }))
    const { message } = await bed.run(terminate, { min_healthy_replicas: '50%' }, on(name))
    expect(message).toContain(
      "DaemonSet 'web' would have 0 of 1 replicas ready, and 1 must be: min_healthy_replicas is 50%",
    )
  })

  it('leaves alone the pod that its StatefulSet made in place of the one of the event', async () => {
    const name = seed(statefulSet({ name: 'web', replicas: 1 }))
    expect(
      await bed.run(terminate, {}, { fields: { 'k8s.pod.name': name, 'k8s.pod.uid': 'an-earlier-one' } }),
    ).toMatchObject({
      status: 'ignored',
      message: expect.stringContaining('is not the one of the event') as string,
    })
    expect(exists(name)).toBe(true)
  })

  it('changes nothing in a dry run', async () => {
    const name = seed([pod({ name: 'web-0' })])
    expect(await bed.run(terminate, {}, { dryRun: true })).toMatchObject({
      status: 'success',
      message: expect.stringContaining('would be deleted') as string,
    })
    expect(exists(name)).toBe(true)
  })

  it('fails where it may not, and says what is missing', async () => {
    seed([pod({ name: 'web-0' })])
    bed.sandbox.fail({
      method: 'DELETE',
      path: /web-0/,
      status: 403,
      message:
        'pods "web-0" is forbidden: User "t" cannot delete resource "pods" in API group "" in the namespace "default"',
    })
    expect(await bed.run(terminate, {})).toMatchObject({
      status: 'failure',
      error: { message: expect.stringContaining("Talon may not delete pods 'web-0' in namespace 'default'") as string },
    })
  })

  it.each(['1.5', '-1', '101%', 'many', -1, 0.5])('takes no min_healthy_replicas of %s', (min_healthy_replicas) => {
    expect(terminate.parameters.safeParse({ min_healthy_replicas }).success).toBe(false)
  })
})
