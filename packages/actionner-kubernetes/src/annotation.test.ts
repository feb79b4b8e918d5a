import { pod } from '@talon/sandbox'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openBed, type Bed } from '../testing/bed.ts'
import { annotation } from './annotation.ts'
import { cordon } from './cordon.ts'

let bed: Bed
beforeEach(async () => {
  bed = await openBed()
  bed.sandbox.seed(pod({ name: 'web-0' }))
})
afterEach(() => bed.close())

it('kubernetes:annotation sets and removes annotations of the pod and of its node', async () => {
  await bed.run(annotation, { annotations: { 'example.com/why': 'A shell\nwas "opened"' } })
  expect(bed.sandbox.find('pods', 'default', 'web-0')?.metadata.annotations).toEqual({
    'example.com/why': 'A shell\nwas "opened"',
  })
  await bed.run(annotation, { annotations: { 'example.com/why': '', other: 'x' } })
  expect(bed.sandbox.find('pods', 'default', 'web-0')?.metadata.annotations).toEqual({ other: 'x' })
  const told = await bed.run(annotation, { annotations: { a: 'b' }, level: 'node' })
  expect(told).toMatchObject({ status: 'success', objects: { node: 'node-1' } })
  expect(bed.sandbox.find('nodes', undefined, 'node-1')?.metadata.annotations).toEqual({ a: 'b' })
})

it('kubernetes:cordon marks the node of the pod, once, and not in a dry run', async () => {
  const node = () => bed.sandbox.find('nodes', undefined, 'node-1')?.spec?.['unschedulable']
  expect(await bed.run(cordon, {}, { dryRun: true })).toMatchObject({
    status: 'success',
    output: '+ spec.unschedulable=true',
  })
  expect(node()).toBeUndefined()
  expect(await bed.run(cordon, {})).toMatchObject({ status: 'success', objects: { node: 'node-1' } })
  expect(node()).toBe(true)
  expect(await bed.run(cordon, {})).toMatchObject({ message: "the node 'node-1' was unschedulable already" })
  expect(bed.writes()).toEqual(['PATCH /api/v1/nodes/node-1 dry', 'PATCH /api/v1/nodes/node-1'])
})
