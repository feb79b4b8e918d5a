import { pod } from '@talon/sandbox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventOn, openBed, textOf, type Bed } from '../testing/bed.ts'
import { log } from './log.ts'

let bed: Bed
let lines = 3
beforeEach(async () => {
  lines = 3
  bed = await openBed({
    log: ({ container }) => Array.from({ length: lines }, (_, n) => `${container} ${n}\n`).join(''),
  })
  bed.sandbox.seed(pod({ name: 'web-0', containers: ['main', 'side'] }))
})
afterEach(() => bed.close())

const idOf = (name: string) => {
  const statuses = bed.sandbox.find('pods', 'default', 'web-0')?.status?.['containerStatuses']
  const all = statuses as { name: string; containerID: string }[]
  return all
    .find((status) => status.name === name)
    ?.containerID.slice('containerd://'.length, 'containerd://'.length + 12)
}

describe('kubernetes:log', () => {
  it('collects the last lines of the first container as an artifact, read anew each time', async () => {
    const told = await bed.run(log, { tail_lines: 2 })
    const artifact = 'artifact' in told ? told.artifact : undefined
    expect(told).toMatchObject({
      status: 'success',
      objects: { pod: 'web-0', namespace: 'default', container: 'main' },
    })
    expect(artifact?.name).toBe('main.log')
    expect(await textOf(artifact)).toBe('main 1\nmain 2\n')
    lines = 4
    expect(await textOf(artifact)).toBe('main 2\nmain 3\n')
  })

  it.each([
    ['its name', () => ({ 'container.name': 'side' })],
    ["Docker's name", () => ({ 'container.name': 'k8s_side_web-0_default_b7e5_0' })],
    ['its id', () => ({ 'container.name': 'main', 'container.id': idOf('side') })],
  ])("takes the event's container by %s", async (_, fields) => {
    expect(await bed.run(log, { container: 'main' }, { fields: fields() })).toMatchObject({
      objects: { container: 'side' },
    })
  })

  it('takes the container of the parameter where the event names none', async () => {
    const fields = { 'container.id': 'host', 'container.name': 'host' }
    expect(await bed.run(log, { container: 'side' }, { fields })).toMatchObject({ objects: { container: 'side' } })
    expect(await bed.run(log, { container: 'nope' })).toMatchObject({
      status: 'failure',
      error: { message: expect.stringContaining("has no container 'nope': it has main, side") as string },
    })
  })

  it('tells the log itself where no output takes it, cut after 64 kB', async () => {
    expect(await bed.run(log, {}, { artifactWanted: false })).toMatchObject({ output: 'main 0\nmain 1\nmain 2\n' })
    lines = 20_000
    const { output = '' } = (await bed.run(log, { tail_lines: 20_000 }, { artifactWanted: false })) as {
      output?: string
    }
    expect(output).toMatch(/\[cut after 64 kB\]$/)
    expect(output.length).toBeLessThan(66_000)
  })

  it('asks in a dry run whether it may, and reads nothing', async () => {
    expect(await bed.run(log, {}, { dryRun: true })).toMatchObject({ status: 'success' })
    expect(bed.sandbox.requests.map(({ path }) => path)).toEqual([
      '/api/v1/namespaces/default/pods/web-0',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    ])
  })

  it('is not the log of a pod that came in its place', async () => {
    const event = eventOn()
    await bed.run(log, {}, { event, artifactWanted: false })
    const path = { group: '', version: 'v1', resource: 'pods', namespace: 'default', name: 'web-0' }
    await bed.kubernetes.remove(path, { gracePeriod: 0, signal: new AbortController().signal })
    bed.sandbox.seed(pod({ name: 'web-0' }))
    expect(await bed.run(log, {}, { event })).toMatchObject({
      status: 'ignored',
      message: "the pod 'web-0' in namespace 'default' was replaced meanwhile",
    })
  })
})
