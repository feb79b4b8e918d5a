import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pod, type ExecAnswer, type ExecCall } from '@talon/sandbox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBed, type Bed } from '../testing/bed.ts'
import { exec } from './exec.ts'
import { script } from './script.ts'

let bed: Bed
let calls: ExecCall[]
let answer: ExecAnswer | Promise<ExecAnswer>
beforeEach(async () => {
  calls = []
  answer = { stdout: 'out\n' }
  bed = await openBed({
    exec: (call) => {
      calls.push(call)
      return answer
    },
  })
  bed.sandbox.seed(pod({ name: 'web-0', containers: ['main', 'side'] }))
})
afterEach(() => bed.close())

describe('kubernetes:exec', () => {
  it("runs the command in the event's container, and gives back what it printed", async () => {
    answer = { stdout: 'out\n', stderr: 'warned\n' }
    expect(await bed.run(exec, { command: 'id' }, { fields: { 'container.name': 'side' } })).toMatchObject({
      status: 'success',
      message:
        "the command ran in the container 'side' of the pod 'web-0' in namespace 'default' and ended with status 0",
      objects: { pod: 'web-0', namespace: 'default', container: 'side', status: '0' },
      output: 'out\n\n[stderr]\nwarned\n',
    })
    expect(calls).toMatchObject([{ container: 'side', command: ['/bin/sh', '-c', 'id'] }])
  })

  it('hands values of the event over as data, and only those that the command names', async () => {
    const value = `'; $(id) \`id\`\n.\n"`
    const fields = { 'fd.name': value, 'proc.name': 'secret-of-no-interest' }
    await bed.run(exec, { command: 'cat "${FD_NAME}"', shell: '/bin/ash' }, { fields })
    const [{ command, stdin } = { command: [], stdin: '' }] = calls
    expect(command[0]).toBe('/bin/ash')
    expect(command.join('\n')).not.toContain('$(id)')
    expect(stdin).toBe(`FD_NAME 3\n${value}\n. 1\ncat "\${FD_NAME}"\n.\n`)
  })

  it('fails with the status of the command, and keeps what it printed', async () => {
    answer = { stdout: 'half', stderr: 'no space left', exitCode: 28 }
    expect(await bed.run(exec, { command: 'x' })).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('ended with status 28') as string,
      output: 'half\n[stderr]\nno space left',
    })
  })

  it('says that there is no shell', async () => {
    answer = {
      error:
        'error executing command in container: failed to exec in container: failed to start exec "1": OCI runtime exec failed: exec failed: unable to start container process: exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown',
    }
    expect(await bed.run(exec, { command: 'id' })).toMatchObject({
      status: 'failure',
      message: expect.stringMatching(/^there is no shell \/bin\/sh in the container 'main'.*set `shell`/) as string,
    })
  })

  it('keeps 256 kB of each stream, and says where it cut', async () => {
    answer = { stdout: 'o'.repeat(300_000), stderr: 'e'.repeat(300_000) }
    const { output = '' } = (await bed.run(exec, { command: 'x' })) as { output?: string }
    expect(output.match(/\[cut after 256 kB\]/g)).toHaveLength(2)
    expect(output.match(/[oe]{1000,}/g)?.map(({ length }) => length)).toEqual([262_144, 262_144])
  })

  it('ends when its time is over', async () => {
    answer = new Promise(() => {})
    const ending = new AbortController()
    const running = bed.run(exec, { command: 'sleep 100' }, { signal: ending.signal })
    await expect.poll(() => calls.length).toBe(1)
    ending.abort(new Error('its time is over'))
    expect(await running).toMatchObject({ status: 'failure', message: 'its time is over' })
  })

  it('refuses a value that no shell can hold, before anything runs', async () => {
    expect(await bed.run(exec, { command: 'echo "$FD_NAME"' }, { fields: { 'fd.name': 'a\0b' } })).toMatchObject({
      status: 'failure',
      message: 'the value of FD_NAME holds a NUL, which no shell variable can hold',
    })
    expect(calls).toEqual([])
  })

  it('runs nothing in a dry run, and says what it would', async () => {
    expect(
      await bed.run(exec, { command: 'cat "$FD_NAME"' }, { dryRun: true, fields: { 'fd.name': '/x' } }),
    ).toMatchObject({
      status: 'success',
      message: expect.stringContaining("would run in the container 'main'") as string,
      output: 'cat "${FD_NAME}"',
    })
    expect(calls).toEqual([])
  })

  it('ignores a pod that is gone', async () => {
    expect(await bed.run(exec, { command: 'id' }, { fields: { 'k8s.pod.name': 'gone' } })).toMatchObject({
      status: 'ignored',
    })
  })
})

describe('kubernetes:script', () => {
  it('sends a long script on standard input', async () => {
    const text = `echo ${'x'.repeat(20_000)}`
    expect(await bed.run(script, { script: text })).toMatchObject({ status: 'success', output: 'out\n' })
    expect(calls[0]?.stdin).toBe(`. 1\n${text}\n.\n`)
  })

  it('reads the script from a file, with the variables that it names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'talon-script-'))
    const file = join(folder, 'collect.sh')
    writeFileSync(file, 'ls "$FD_NAME"\n')
    await bed.run(script, { file }, { fields: { 'fd.name': '/tmp/$(id)', 'proc.name': 'x' } })
    expect(calls[0]?.stdin).toBe('FD_NAME 1\n/tmp/$(id)\n. 2\nls "${FD_NAME}"\n\n.\n')
    rmSync(folder, { recursive: true })
    expect(await bed.run(script, { file })).toMatchObject({
      status: 'failure',
      message: expect.stringContaining(`the script ${file} cannot be read`) as string,
    })
  })

  it.each([[{}], [{ script: 'id', file: '/x' }]])('takes one of script and file: %j', (parameters) => {
    expect(script.parameters.safeParse(parameters).success).toBe(false)
  })
})
