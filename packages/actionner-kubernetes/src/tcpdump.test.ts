import { pod, type ExecAnswer, type ExecCall } from '@talon/sandbox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBed, textOf, type Bed, type Told } from '../testing/bed.ts'
import { tcpdump } from './tcpdump.ts'

const header = 'h'.repeat(24)
let bed: Bed
let calls: ExecCall[]
let answer: ExecAnswer
beforeEach(async () => {
  calls = []
  answer = { stdout: `${header}packets`, stderr: 'tcpdump: listening on any', exitCode: 124 }
  bed = await openBed({
    exec: (call) => {
      calls.push(call)
      return answer
    },
  })
  bed.sandbox.seed(pod({ name: 'web-0' }))
})
afterEach(() => bed.close())

const artifactOf = (told: Told) => ('artifact' in told ? told.artifact : undefined)
const ephemeral = () =>
  (bed.sandbox.find('pods', 'default', 'web-0')?.spec?.['ephemeralContainers'] ?? []) as Record<string, unknown>[]

describe('kubernetes:tcpdump', () => {
  it('captures in an ephemeral container with no more rights than it needs', async () => {
    const told = await bed.run(tcpdump, { duration: 7, snaplen: 128, image: 'registry.test/tcpdump:1' })
    expect(told).toMatchObject({ status: 'success', objects: { pod: 'web-0', container: 'talon-tcpdump-1' } })
    expect(artifactOf(told)?.name).toBe('tcpdump.pcap')
    expect(await textOf(artifactOf(told))).toBe(`${header}packets`)
    expect(ephemeral()).toMatchObject([
      {
        name: 'talon-tcpdump-1',
        image: 'registry.test/tcpdump:1',
        command: ['sleep', '67'],
        securityContext: {
          privileged: false,
          capabilities: { drop: ['ALL'], add: ['NET_RAW', 'NET_ADMIN', 'SETGID'] },
        },
      },
    ])
    expect(calls[0]?.command).toEqual('timeout -s INT 7 tcpdump -i any -n -U -Z root -s 128 -w -'.split(' '))
  })

  it('says that the capture stayed empty', async () => {
    answer = { stdout: header, exitCode: 124 }
    expect(await bed.run(tcpdump, {})).toMatchObject({
      status: 'ignored',
      message: "the capture of the pod 'web-0' in namespace 'default' stayed empty: there was no packet in 5 s",
    })
  })

  it('says why tcpdump failed', async () => {
    answer = { stderr: 'tcpdump: any: You don’t have permission', exitCode: 1 }
    expect(await bed.run(tcpdump, {})).toMatchObject({
      status: 'failure',
      message: expect.stringContaining(
        'tcpdump ended with status 1: tcpdump: any: You don’t have permission',
      ) as string,
    })
    answer = { error: 'exec: "timeout": executable file not found in $PATH' }
    expect(await bed.run(tcpdump, {})).toMatchObject({ message: expect.stringContaining('set `image`') as string })
  })

  it('says that Pod Security does not let it in, and what it needs', async () => {
    bed.sandbox.fail({
      method: 'PATCH',
      path: /ephemeralcontainers/,
      status: 403,
      message: 'pods "web-0" is forbidden: violates PodSecurity "baseline:latest": non-default capabilities',
    })
    expect(await bed.run(tcpdump, {})).toMatchObject({
      status: 'failure',
      message: expect.stringMatching(
        /not let in by Pod Security: it needs the capabilities NET_RAW and NET_ADMIN; lower/,
      ) as string,
    })
  })

  it('puts ten of them into one pod at most', async () => {
    for (let n = 0; n < 10; n++) expect(await bed.run(tcpdump, {})).toMatchObject({ status: 'success' })
    expect(await bed.run(tcpdump, {})).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('has 10 of Talon') as string,
    })
    expect(ephemeral()).toHaveLength(10)
  })

  it('changes nothing in a dry run', async () => {
    expect(await bed.run(tcpdump, {}, { dryRun: true })).toMatchObject({ status: 'success' })
    expect([ephemeral(), calls]).toEqual([[], []])
    expect(bed.writes()).toEqual(['PATCH /api/v1/namespaces/default/pods/web-0/ephemeralcontainers dry'])
  })

  it('may take as long as the capture, and half a minute', () => {
    expect(tcpdump.timeout(tcpdump.parameters.parse({ duration: 100 }))).toBe(130)
  })

  it.each(['', 'a b', '-x', 'image;id', 'x@sha256:abc'])('takes no image of %j', (image) => {
    expect(tcpdump.parameters.safeParse({ image }).success).toBe(false)
  })
})
