import { pod, type ExecAnswer, type ExecCall } from '@talon/sandbox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBed, textOf, type Bed, type Told } from '../testing/bed.ts'
import { download } from './download.ts'

let bed: Bed
let calls: ExecCall[]
let answer: ExecAnswer
beforeEach(async () => {
  calls = []
  answer = { stdout: 'evidence' }
  bed = await openBed({
    exec: (call) => {
      calls.push(call)
      return answer
    },
  })
  bed.sandbox.seed(pod({ name: 'web-0', containers: ['main', 'side'] }))
})
afterEach(() => bed.close())

const artifactOf = (told: Told) => ('artifact' in told ? told.artifact : undefined)

describe('kubernetes:download', () => {
  it('streams the file, and names the artifact for it', async () => {
    answer = { stdout: 'x'.repeat(3_000_000) }
    const told = await bed.run(download, { file: '/etc/nginx/nginx.conf' }, { fields: { 'container.name': 'side' } })
    expect(told).toMatchObject({ status: 'success', objects: { container: 'side', file: '/etc/nginx/nginx.conf' } })
    expect(artifactOf(told)?.name).toBe('nginx.conf')
    expect(await textOf(artifactOf(told))).toHaveLength(3_000_000)
    expect(await textOf(artifactOf(told))).toHaveLength(3_000_000)
  })

  it('hands the path over as one word that no shell and no option sees', async () => {
    const path = `/tmp/'"$(id) \`id\`;&|\n-rf é`
    await bed.run(download, { file: '${FD_NAME}' }, { fields: { 'fd.name': path } })
    expect(calls).toMatchObject([{ command: ['cat', '--', path] }])
  })

  it.each([
    ["cat: can't open '/x': No such file or directory", 'is not there'],
    ['cat: read error: Is a directory', 'is a directory: name a file'],
    ['cat: /x: Permission denied', "may not be read by the container's user"],
    ['cat: /x: Input/output error', 'cannot be read: cat ended with status 1: cat: /x: Input/output error'],
  ])('says what is wrong: %s', async (stderr, reason) => {
    answer = { stderr, exitCode: 1 }
    expect(await bed.run(download, { file: '/x' })).toMatchObject({
      status: 'failure',
      message: `the file "/x" in the container 'main' of the pod 'web-0' in namespace 'default' ${reason}`,
    })
  })

  it('says that the image has no cat', async () => {
    answer = { error: 'OCI runtime exec failed: exec: "cat": executable file not found in $PATH: unknown' }
    expect(await bed.run(download, { file: '/x' })).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('there is no `cat` in the container') as string,
    })
  })

  it('fails where reading breaks off, and where the file has no end', async () => {
    answer = { stdout: 'half', stderr: 'cat: /x: Input/output error', exitCode: 1 }
    await expect(textOf(artifactOf(await bed.run(download, { file: '/x' })))).rejects.toThrow('Input/output error')
    answer = { stdout: 'x'.repeat(1000) }
    await expect(textOf(artifactOf(await bed.run(download, { file: '/dev/zero', max_bytes: 999 })))).rejects.toThrow(
      'over 999 bytes',
    )
  })

  it('takes an empty file', async () => {
    answer = {}
    expect(await textOf(artifactOf(await bed.run(download, { file: '/empty' })))).toBe('')
  })

  it.each([
    ['relative/path', 'does not begin at the root'],
    ['-x', 'does not begin at the root'],
  ])('takes no path of %j', async (file, reason) => {
    expect(await bed.run(download, { file: '${FD_NAME}' }, { fields: { 'fd.name': file } })).toMatchObject({
      status: 'failure',
      message: expect.stringContaining(reason) as string,
    })
    expect(calls).toEqual([])
  })

  it('reads nothing in a dry run', async () => {
    expect(await bed.run(download, { file: '/x' }, { dryRun: true })).toMatchObject({ status: 'success' })
    expect(calls).toEqual([])
  })
})
