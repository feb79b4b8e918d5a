import { pod, type ExecAnswer, type ExecCall } from '@talon/sandbox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBed, textOf, type Bed, type Told } from '../testing/bed.ts'
import { sysdig } from './sysdig.ts'

let bed: Bed
let calls: ExecCall[]
let answer: ExecAnswer
beforeEach(async () => {
  calls = []
  answer = { stdout: 'scap' }
  // A Job's pod ends after that time in the sandbox.
  bed = await openBed({
    endDelay: 1_000_000,
    exec: (call) => {
      calls.push(call)
      return answer
    },
  })
  bed.sandbox.seed(pod({ name: 'web-0' }))
})
afterEach(() => bed.close())

const artifactOf = (told: Told) => ('artifact' in told ? told.artifact : undefined)
const jobs = () => bed.sandbox.requests.filter(({ path }) => path.includes('/jobs')).map(({ method }) => method)
const jobOf = (told: Told) => bed.sandbox.find('jobs', 'default', (told.objects as { job?: string }).job ?? '')

describe('kubernetes:sysdig', () => {
  it('captures in a Job on the node, with no more rights than it needs, and deletes the Job', async () => {
    const told = await bed.run(sysdig, { duration: 7, image: 'registry.test/sysdig:1' })
    expect(told).toMatchObject({ status: 'success', objects: { pod: 'web-0', node: 'node-1' } })
    const rights = { privileged: false, capabilities: { drop: ['ALL'] } }
    expect(jobOf(told)).toMatchObject({
      spec: { template: { spec: { nodeName: 'node-1', hostPID: true, containers: [{ securityContext: rights }] } } },
    })
    expect(artifactOf(told)?.name).toBe('sysdig.scap')
    expect(await textOf(artifactOf(told))).toBe('scap')
    expect(jobs()).toEqual(['POST', 'DELETE'])
    expect(jobOf(told)).toBeUndefined()
    const [{ command, pod: where } = { command: [], pod: undefined }] = calls
    expect(where?.metadata.name).not.toBe('web-0')
    expect(command.slice(0, 7)).toEqual(['sysdig', '--modern-bpf', '-M', '7', '-s', '2048', '-w'])
    expect(command.at(-1)).toMatch(/^container\.id in \([0-9a-f]{12}\)$/)
  })

  it('captures the whole node where it is told to', async () => {
    await bed.run(sysdig, { scope: 'node' })
    expect(calls[0]?.command.at(-1)).toBe('-')
  })

  it('deletes the Job also where sysdig fails, or writes nothing', async () => {
    answer = { stderr: 'Unable to load the BPF probe', exitCode: 1 }
    expect(await bed.run(sysdig, {})).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('sysdig ended with status 1: Unable to load the BPF probe') as string,
    })
    expect(jobs()).toEqual(['POST', 'DELETE'])
    answer = {}
    expect(await bed.run(sysdig, {})).toMatchObject({
      status: 'ignored',
      message: expect.stringContaining('stayed empty') as string,
    })
    expect(jobs()).toEqual(['POST', 'DELETE', 'POST', 'DELETE'])
  })

  it('deletes the Job where its pod cannot be looked at', async () => {
    bed.sandbox.fail({ method: 'GET', path: /pods\/talon-sysdig/, status: 500, times: 100 })
    expect(await bed.run(sysdig, {})).toMatchObject({ status: 'failure' })
    expect(jobs()).toEqual(['POST', 'DELETE'])
  })

  it('says that Pod Security does not let it in', async () => {
    bed.sandbox.fail({
      method: 'POST',
      path: /pods$/,
      status: 403,
      message: 'jobs is forbidden: violates PodSecurity "baseline:latest"',
    })
    expect(await bed.run(sysdig, {})).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('not let in by Pod Security') as string,
    })
  })

  it('changes nothing in a dry run', async () => {
    expect(await bed.run(sysdig, {}, { dryRun: true })).toMatchObject({ status: 'success' })
    expect(bed.writes()).toEqual([
      'POST /api/v1/namespaces/default/pods dry',
      'POST /apis/batch/v1/namespaces/default/jobs dry',
    ])
    expect(calls).toEqual([])
  })

  it('captures for half a minute at most', () => {
    expect(sysdig.parameters.safeParse({ duration: 31 }).success).toBe(false)
  })
})
