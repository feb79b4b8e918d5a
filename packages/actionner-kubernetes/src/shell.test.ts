import { execFile, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { shellCall } from './shell.ts'

/** Whatever an attacker may write into a file's name, a process' arguments or an address. */
export const HOSTILE = [
  "'",
  '"',
  "''",
  `'"'"'`,
  '$(touch PWNED)',
  '`touch PWNED`',
  '${HOME}',
  '$HOME',
  '$$',
  '\\',
  '\\\\',
  "\\'",
  '\\n',
  '; touch PWNED',
  '& touch PWNED',
  '| touch PWNED',
  '&& touch PWNED',
  '|| touch PWNED',
  '> PWNED',
  '< /etc/passwd',
  "'; touch PWNED; '",
  '"; touch PWNED; "',
  '\n touch PWNED\n',
  '\r\n touch PWNED\r\n',
  '\n',
  '\n\n\n',
  '.\n',
  '.',
  '.\n.\n.\ntouch PWNED\n.\n',
  'PATH 1\n/tmp\n',
  ' leading and trailing ',
  '\ttabs\t',
  '*',
  '~',
  '-n',
  '--',
  '#',
  '!!',
  '{a,b}',
  '%s%n',
  '\u0001\u0002\u007f\u001b[2J',
  '\u0081\u0088\u00ff é 漢字 🦅 \ufffd',
  '',
  'x'.repeat(100_000),
  `${'a\n'.repeat(5000)}'$(touch PWNED)`,
]

const shells = [
  ['dash', []],
  ['bash', []],
  ['busybox', ['sh']],
] as const
const there = shells.filter(([program]) => spawnSync(program, ['--help']).error === undefined)

/** Runs what would be run in a container, in an empty folder of this machine. */
function run(program: string, first: readonly string[], text: string, variables: Record<string, string>) {
  const { command, stdin } = shellCall({ shell: program, text, variables })
  const { promise, resolve } = Promise.withResolvers<{ status: number; stdout: string; stderr: string }>()
  // Not this machine's: a bash whose standard input is a socket reads .bashrc unless it has a level.
  const env = { PATH: process.env['PATH'] ?? '', SHLVL: '2' }
  const child = execFile(
    program,
    [...first, ...command.slice(1)],
    { cwd: '/', maxBuffer: 1e7, env },
    (error, stdout, stderr) => resolve({ status: Number(error?.code ?? 0), stdout, stderr }),
  )
  child.stdin?.end(stdin ?? '')
  return promise
}

describe.each(there)('a program in %s', (program, first) => {
  it.each(HOSTILE.map((value) => [JSON.stringify(value.slice(0, 40)), value]))(
    'gets %s whole, as a variable',
    async (_, value) => {
      const text = 'printf "%s" "$A|"; env | grep -c "^A=" >&2; printf "%s" "$B"'
      expect(await run(program, first, text, { A: value, B: 'after' })).toEqual({
        status: 0,
        stdout: `${value}|after`,
        stderr: '1\n',
      })
    },
  )

  it('may itself be long, hold anything, and end as it likes', async () => {
    const text = `# ${'x'.repeat(200_000)}\ncat <<'E'\n'"$A\n.\nE\n[ $# = 0 ] && [ "$(cat)" = "" ] && exit 7`
    expect(await run(program, first, text, { A: 'b' })).toEqual({ status: 7, stdout: `'"$A\n.\n`, stderr: '' })
  })

  it('is not run where half of it arrives', async () => {
    const { command, stdin } = shellCall({ shell: program, text: 'echo one\necho two', variables: { A: 'b' } })
    for (const length of [1, 4, 9, (stdin?.length ?? 0) - 12, (stdin?.length ?? 0) - 2]) {
      const half = spawnSync(program, [...first, ...command.slice(1)], { input: stdin?.subarray(0, length) })
      expect([half.status, String(half.stdout)]).toEqual([125, ''])
    }
  })

  it('leaves nothing of its reader behind', async () => {
    const { stdout } = await run(program, first, 'set | grep -i talon | grep -v "^_=\\|^BASH_EXEC"; echo end', {
      A: 'b',
    })
    expect(stdout).toBe('end\n')
  })
})

describe('a program without variables', () => {
  it('is an argument where it is short', () => {
    expect(shellCall({ shell: '/bin/sh', text: 'id', variables: {} })).toEqual({ command: ['/bin/sh', '-c', 'id'] })
  })
})

describe('a value', () => {
  it.each([
    ['a\0b', 'holds a NUL'],
    ['x'.repeat(131_072), 'no program takes more than 131072'],
  ])('that no shell can hold is refused', (value, reason) => {
    expect(() => shellCall({ shell: '/bin/sh', text: 'id', variables: { A: value } })).toThrow(reason)
  })

  it('never gets a name that is none', () => {
    expect(() => shellCall({ shell: '/bin/sh', text: 'id', variables: { 'A;id': '' } })).toThrow(
      'no name of a variable',
    )
  })

  it('is no part of the words that travel in the URL', () => {
    const { command } = shellCall({ shell: '/bin/sh', text: 'echo "$A"', variables: { A: '$(id)' } })
    expect(command.join(' ')).not.toContain('$(id)')
    expect(command.join(' ').length).toBeLessThan(2000)
  })
})
