import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { talon } from './talon.fixture.ts'

const fixture = (name: string) => join(import.meta.dirname, '../fixtures', name)
let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'talon-cli-'))))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('talon check', () => {
  it('finds nothing wrong with good rules, without a config file and a cluster', () => {
    const { status, stdout, stderr } = talon(['check', '-r', fixture('good.yaml')])
    expect(stdout).toMatch(/^✓ 2 rules, nothing wrong in .*good\.yaml; no config file/)
    expect([status, stderr]).toEqual([0, ''])
  })

  it('lists every mistake of a file with its line, a caret and what was probably meant', () => {
    const { status, stdout } = talon(['check', '-r', 'bad.yaml'], { cwd: fixture('') })
    expect(status).toBe(1)
    const found = stdout.matchAll(/^bad\.yaml:(\d+):\d+: error:/gm)
    expect([...found].map(([, line]) => Number(line))).toEqual([2, 6, 7, 8, 11, 15, 17, 19, 20, 23, 25])
    expect(stdout).toContain(
      [
        "bad.yaml:2:14: error: unknown actionner 'kubernetes:logs'",
        '  2 |   actionner: kubernetes:logs',
        "    |              ^^^^^^^^^^^^^^^ did you mean 'kubernetes:log'?",
      ].join('\n'),
    )
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^✗ 11 errors, 1 warning in bad\.yaml/)
  })

  it('says the same as JSON and as annotations of GitHub', () => {
    const json = talon(['check', '-r', 'bad.yaml', '--format', 'json'], { cwd: fixture('') })
    expect(json.status).toBe(1)
    const parsed = JSON.parse(json.stdout) as { errors: number; warnings: number; issues: object[] }
    expect(parsed).toMatchObject({ errors: 11, warnings: 1, files: ['bad.yaml'] })
    expect(parsed.issues[0]).toMatchObject({ level: 'error', file: 'bad.yaml', line: 2, column: 14 })
    const github = talon(['check', '-r', 'bad.yaml', '--format', 'github'], { cwd: fixture('') })
    expect(github.stdout.match(/^::error file=bad\.yaml,line=\d+/gm)).toHaveLength(11)
  })

  it('takes warnings for errors with --strict alone', () => {
    const rules = file('warned.yaml', 'colour: green\n'.replace(/^/, '- rule: One\n  ') + actions)
    expect(talon(['check', '-r', rules]).status).toBe(0)
    const strict = talon(['check', '--strict', '-r', rules])
    expect([strict.status, strict.stdout]).toEqual([
      1,
      expect.stringContaining("error: unknown key of a rule 'colour'"),
    ])
  })

  it('checks the settings where there is a config file', () => {
    const config = file('config.yaml', 'listen_prt: 1\nnotifiers:\n  webhook: { url: nowhere }\n')
    const { status, stdout } = talon(['check', '-c', config, '-r', fixture('good.yaml')])
    expect(status).toBe(1)
    expect(stdout).toMatch(/config\.yaml:1:1: warning: .*'listen_prt'[^]*did you mean 'listen_port'\?/)
    expect(stdout).toMatch(/config\.yaml:3:\d+: error: .*url/)
    expect(stdout).not.toContain('no config file')
  })

  it('reads several files as one', () => {
    const more = file('more.yaml', '- rule: Miner\n  dry_run: true\n')
    const { stdout } = talon(['rules', 'check', '-r', fixture('good.yaml'), '-r', more])
    expect(stdout).toMatch(/^✓ 2 rules, nothing wrong in .*good\.yaml, .*more\.yaml/)
  })

  it('colours on a terminal and where it is forced to, never in a pipe', () => {
    const args = ['check', '-r', fixture('bad.yaml')]
    expect(talon(args).stdout).not.toContain('\u001B[')
    expect(talon(args, { env: { FORCE_COLOR: '1' } }).stdout).toContain('\u001B[')
    expect(talon(args, { env: { NO_COLOR: '1' } }).stdout).not.toContain('\u001B[')
  })

  it('loads no SDK, no HTTP server, no logger', () => {
    const hook = file(
      'loaded.mjs',
      `import { registerHooks } from 'node:module'
       registerHooks({ load: (url, context, next) => (console.error('loaded ' + url), next(url, context)) })`,
    )
    const { stderr, status } = talon(['check', '-r', fixture('good.yaml')], {
      env: { NODE_OPTIONS: `--import ${hook}` },
    })
    expect(status).toBe(0)
    const loaded = stderr.match(/^loaded .*$/gm) ?? []
    expect(loaded.filter((url) => url.includes('actionner-kubernetes')).length).toBeGreaterThan(0)
    expect(
      loaded.filter((url) => /client-node|undici|winston|opentelemetry|hono|@aws-sdk|apps\/server/.test(url)),
    ).toEqual([])
  })
})

const actions = `  actions:
    - action: Mark it
      actionner: kubernetes:label
      parameters: { labels: { version: 1.0 } }
`

describe('wrong use', () => {
  it.each([
    ['an unknown command', ['chek'], 'Did you mean check?'],
    ['an unknown option', ['check', '--formt', 'json'], 'Did you mean --format?'],
    ['a format that there is not', ['check', '--format', 'xml'], 'text, json, github'],
    ['a rules file that is not there', ['check', '-r', 'nowhere.yaml'], 'nowhere.yaml cannot be read'],
    ['a config file that is not there', ['check', '-c', 'nowhere.yaml'], 'nowhere.yaml cannot be read'],
    ['a file without its option', ['check', 'rules.yaml'], 'files are named with -r <rules> and -c <config>'],
    ['a folder that cannot be made', ['init', '/dev/null/x'], 'error: /dev/null/x cannot be used: ENOTDIR'],
    ['a server that is no URL', ['journal', 'list', '--server', 'localhost:2803'], 'write http://talon:2803'],
    ['a server without a scheme', ['journal', 'list', '--server', 'talon'], 'write http://talon:2803'],
    ['a count that is none', ['journal', 'list', '--limit', 'many'], 'no whole number above 0'],
    ['no command', [], 'Usage: talon'],
  ])('%s is exit status 2 and said on standard error', (_, args, said) => {
    const { status, stdout, stderr } = talon(args, { cwd: folder })
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain(said)
  })

  it('lists what is wrong with config file and rules before the server starts, with exit status 2', () => {
    const config = file('broken.yaml', 'listen_port: many\n')
    const { status, stderr } = talon(['server', '-c', config, '-r', fixture('bad.yaml')])
    expect(status).toBe(2)
    expect(stderr.match(/: error:/g)).toHaveLength(12)
  })
})

describe('the other commands', () => {
  it('prints rules that mean the same in one file', () => {
    const rules = file('first.yaml', `- rule: One\n${actions}`)
    const printed = talon(['rules', 'print', '-r', rules, '-r', fixture('good.yaml')])
    expect(printed.status).toBe(0)
    expect(printed.stdout).toContain('destination: /var/lib/evidence')
    expect(printed.stdout).toContain('version: "1.0"')
    const again = file('printed.yaml', printed.stdout)
    expect(talon(['rules', 'print', '-r', again]).stdout).toBe(printed.stdout)
    expect(talon(['check', '--strict', '-r', again]).status).toBe(0)
  })

  it.each([
    ['actionners', 'kubernetes:terminate'],
    ['outputs', 'local:file'],
    ['notifiers', 'webhook'],
  ])('lists %s as a table and as JSON', (kind, name) => {
    expect(talon([kind, 'list']).stdout).toMatch(new RegExp(`^NAME .*\n(.*\n)*${name} `))
    const listed = JSON.parse(talon([kind, 'list', '--format', 'json']).stdout) as {
      name: string
      parameters: object
    }[]
    expect(listed.find((one) => one.name === name)?.parameters).toHaveProperty('properties')
  })

  it('tells its version and helps', () => {
    expect(talon(['version']).stdout).toMatch(/^talon \d+\.\d+\.\d+\nnode v\d+/)
    for (const args of [['help'], ['--help'], ['help', 'check'], ['check', '--help']]) {
      const { status, stdout } = talon(args)
      expect([status, stdout]).toEqual([0, expect.stringContaining('Usage: talon')])
    }
  })

  it.each(['bash', 'zsh', 'fish'])('gives a completion script for %s', (shell) => {
    const { status, stdout } = talon(['completion', shell])
    expect(status).toBe(0)
    expect(stdout).toContain('talon complete --')
  })

  it('gives bash a script that it can read', () => {
    expect(spawnSync('bash', ['-n'], { input: talon(['completion', 'bash']).stdout }).status).toBe(0)
  })

  it('suggests commands, options, values and files', () => {
    const suggest = (...typed: string[]) =>
      talon(['complete', '--', ...typed], { cwd: fixture('') })
        .stdout.split('\n')
        .map((line) => line.split('\t')[0])
    expect(suggest('ch')).toContain('check')
    expect(suggest('rbac', '--n')).toEqual(expect.arrayContaining(['--name', '--namespaced']))
    expect(suggest('rules', '')).toEqual(expect.arrayContaining(['check', 'print']))
    expect(suggest('check', '--fo')).toContain('--format')
    expect(suggest('check', '--format', '')).toEqual(expect.arrayContaining(['text', 'json', 'github']))
    expect(suggest('check', '--rules', 'go')).toContain('good.yaml')
    expect(suggest('check', '-r', 'go')).toContain('good.yaml')
  })
})
