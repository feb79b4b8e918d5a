import { hostname } from 'node:os'
import { daemonSet, deployment, pod, statefulSet } from '@talon/sandbox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBed, type Bed } from '../testing/bed.ts'
import { drain } from './drain.ts'

let bed: Bed
beforeEach(async () => {
  bed = await openBed({ replaceDelay: 1_000_000 })
  bed.sandbox.seed(pod({ name: 'web-0' }))
})
afterEach(() => bed.close())

const exists = (name: string, namespace = 'default') => bed.sandbox.find('pods', namespace, name) !== undefined
const evictions = () => bed.writes().filter((line) => line.includes('/eviction'))

describe('kubernetes:drain', () => {
  it('evicts the pods of the node, of every namespace, and no others', async () => {
    bed.sandbox.seed(pod({ name: 'other', namespace: 'shop' }), pod({ name: 'far', node: 'node-2' }))
    expect(await bed.run(drain, {})).toMatchObject({
      status: 'success',
      message: expect.stringMatching(
        /^pods of the node 'node-1': 2 evicted \(.*shop\/other.*\), 0 ignored, 0 failed$/,
      ) as string,
      objects: { pod: 'web-0', namespace: 'default', node: 'node-1' },
      output: 'evicted default/web-0\nevicted shop/other',
    })
    await expect.poll(() => exists('other', 'shop') || exists('web-0')).toBe(false)
    expect(exists('far')).toBe(true)
  })

  it("leaves static pods, finished pods and Talon's own alone, always", async () => {
    const fixed = pod({ name: 'fixed' })
    fixed.metadata.annotations = { 'kubernetes.io/config.mirror': 'x' }
    const finished = pod({ name: 'finished' })
    finished.status = { phase: 'Succeeded' }
    bed.sandbox.seed(fixed, finished, pod({ name: hostname().toLowerCase(), namespace: 'talon' }))
    const told = await bed.run(drain, {})
    expect(told).toMatchObject({ message: expect.stringContaining('1 evicted (default/web-0), 3 ignored') as string })
    expect(evictions()).toHaveLength(1)
  })

  it.each([
    ['ignore_daemonsets', daemonSet],
    ['ignore_statefulsets', statefulSet],
  ])('leaves alone what %s says', async (parameter, workload) => {
    bed.sandbox.seed(workload({ name: 'kept', replicas: 1 }))
    expect(await bed.run(drain, { [parameter]: true })).toMatchObject({
      message: expect.stringMatching(/1 evicted \(default\/web-0\), 1 ignored \(default\/kept/) as string,
      output: expect.stringContaining(`Set's: ${parameter} is true`) as string,
    })
  })

  it('lets no more replicas of an owner go than may, all taken together', async () => {
    bed.sandbox.seed(deployment({ name: 'web', replicas: 5 }))
    const { message, output } = await bed.run(drain, { min_healthy_replicas: '60%' })
    expect(message).toMatch(/3 evicted .*, 3 ignored/)
    const reason =
      /ignored default\/web-\S+: ReplicaSet 'web-\w+' would have 2 of 5 replicas ready, and 3 must be: min_healthy_replicas is 60%/g
    expect(output?.match(reason)).toHaveLength(3)
  })

  it('waits for a disruption budget as long as it may, and then says what it said', async () => {
    bed.sandbox.fail({
      path: /web-0\/eviction/,
      status: 429,
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
    })
    expect(await bed.run(drain, { max_wait_period: 20 })).toMatchObject({ status: 'success' })
    expect(evictions()).toHaveLength(2)
    bed.sandbox.seed(pod({ name: 'web-0' }))
    bed.sandbox.fail({ path: /web-0\/eviction/, status: 429, times: 100, message: 'budget says no' })
    expect(await bed.run(drain, { max_wait_period: 1 })).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('1 failed (default/web-0)') as string,
      output: expect.stringMatching(/^failed default\/web-0: .*budget says no/) as string,
    })
    expect(exists('web-0')).toBe(true)
  })

  it('tries once where it may not wait, and goes on where errors are ignored', async () => {
    bed.sandbox.seed(pod({ name: 'other' }))
    bed.sandbox.fail({ path: /web-0\/eviction/, status: 429, times: 100 })
    expect(await bed.run(drain, {})).toMatchObject({ status: 'failure' })
    expect(evictions().filter((line) => line.includes('web-0'))).toHaveLength(1)
    expect(await bed.run(drain, { ignore_error: true })).toMatchObject({ status: 'success' })
    const excluded = { max_wait_period: 100, wait_period_excluded_namespaces: ['default'], ignore_errors: true }
    expect(await bed.run(drain, excluded)).toMatchObject({ status: 'success' })
    expect(evictions().filter((line) => line.includes('web-0'))).toHaveLength(3)
  })

  it('evicts nothing in a dry run', async () => {
    expect(await bed.run(drain, {}, { dryRun: true })).toMatchObject({
      status: 'success',
      message: expect.stringContaining("dry run: pods of the node 'node-1': 1 evicted") as string,
    })
    expect(exists('web-0')).toBe(true)
  })

  it('takes as long as it waits, and half a minute', () => {
    expect(drain.timeout(drain.parameters.parse({ max_wait_period: 100 }))).toBe(130)
  })

  it('has nothing to do where the pod is gone', async () => {
    expect(await bed.run(drain, {}, { fields: { 'k8s.pod.name': 'gone' } })).toMatchObject({ status: 'ignored' })
  })
})
