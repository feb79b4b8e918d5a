import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startServer, talon } from './talon.fixture.ts'

const ROOT = join(import.meta.dirname, '../../..')
const NAME = 'talon-plugin-hello'
const patience = { timeout: 20_000, interval: 20 }

/** The folder of a config file, outside of the workspace, with a plugin that npm installed there. */
let folder: string

/** Packs a package as it would be published, and gives the name of the archive. */
function pack(program: 'npm' | 'pnpm', path: string): string {
  const output = execFileSync(program, ['pack', '--json', '--pack-destination', folder], {
    cwd: path,
    encoding: 'utf8',
  })
  const told = JSON.parse(output) as { filename: string } | [{ filename: string }]
  return join(folder, (Array.isArray(told) ? told[0] : told).filename.split('/').at(-1) ?? '')
}

/** An archive of an installed package, so that no network is needed. (npm 11 fails to pack a folder of pnpm's store.) */
function archiveOf(path: string): string {
  const copy = join(folder, 'copy')
  cpSync(path, join(copy, 'package'), { recursive: true })
  execFileSync('tar', ['-czf', join(folder, 'copy.tgz'), '-C', copy, 'package'])
  return join(folder, 'copy.tgz')
}

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'talon-third-party-')))
  const archives = [
    pack('npm', join(import.meta.dirname, '../fixtures/plugin-hello')),
    pack('pnpm', join(ROOT, 'packages/plugin')),
    archiveOf(realpathSync(join(ROOT, 'packages/plugin/node_modules/zod'))),
  ]
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', ...archives], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  writeFileSync(join(folder, 'config.yaml'), `plugins: [${NAME}]\n`)
  rules('hello')
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function rules(greeting: string, file = 'rules.yaml'): void {
  writeFileSync(
    join(folder, file),
    `- rule: Greet
  match: { rules: [Terminal shell in container] }
  actions:
    - action: Say hello
      actionner: hello:write
      parameters: { file: "${join(folder, 'greetings')}", greeting: "${greeting}" }
`,
  )
}

describe('a plugin that npm installed beside the config file, outside of the workspace', () => {
  it('has copies of the contract of its own', () => {
    expect(existsSync(join(folder, 'node_modules/@talon/plugin/dist/index.js'))).toBe(true)
    expect(realpathSync(join(folder, 'node_modules/@talon/plugin'))).toContain(folder)
  })

  it('is seen by talon check, from wherever it is called', () => {
    const args = ['check', '-r', join(folder, 'rules.yaml')]
    const { status, stdout } = talon([...args, '-c', join(folder, 'config.yaml')], { cwd: tmpdir() })
    expect(stdout).toMatch(/^✓ 1 rule, nothing wrong/)
    expect(status).toBe(0)
    expect(talon(args).stdout).toContain("unknown actionner 'hello:write'")
  })

  it('has its parameters checked, and is listed', () => {
    rules('hello', 'wrong.yaml')
    const path = join(folder, 'wrong.yaml')
    writeFileSync(path, readFileSync(path, 'utf8').replace('greeting:', 'greting:'))
    const { stdout } = talon(['check', '-c', 'config.yaml', '-r', 'wrong.yaml'], { cwd: folder })
    expect(stdout).toMatch(/unknown parameter of hello:write 'greting'[^]*did you mean 'greeting'\?/)
    expect(talon(['actionners', 'list', '-c', 'config.yaml'], { cwd: folder }).stdout).toMatch(/^hello:write +observe/m)
  })

  it('is told how to be installed where it is not', () => {
    writeFileSync(join(folder, 'missing.yaml'), 'plugins: [talon-plugin-nobody-wrote]\n')
    const { status, stdout } = talon(['check', '-c', 'missing.yaml', '-r', 'rules.yaml'], { cwd: folder })
    expect(status).toBe(1)
    expect(stdout).toContain(`run 'npm install talon-plugin-nobody-wrote' there`)
  })

  it('is run by the server, which takes new rules and ends when it is asked to', { timeout: 60_000 }, async () => {
    const server = await startServer(['-c', 'config.yaml', '-r', 'rules.yaml'], folder)
    onTestFinished(async () => void (await server.stop('SIGKILL')))
    const greetings = () => readFileSync(join(folder, 'greetings'), { encoding: 'utf8', flag: 'a+' })
    const post = (pod: string) =>
      fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          rule: 'Terminal shell in container',
          priority: 'Notice',
          output_fields: { 'k8s.ns.name': 'default', 'k8s.pod.name': pod },
        }),
      })
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    const answer = await post('web-0')
    expect(answer.status).toBe(202)
    await vi.waitFor(() => expect(greetings()).toBe('hello default/web-0\n'), patience)
    const traceId = answer.headers.get('x-trace-id')
    await vi.waitFor(() => expect(server.output()).toContain(traceId), patience)

    rules('welcome')
    await vi.waitFor(() => expect(server.output()).toContain('the rules were reloaded'), patience)
    await post('web-1')
    await vi.waitFor(() => expect(greetings()).toContain('welcome default/web-1\n'), patience)

    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toMatch(/^action_total\{[^}]*actionner="hello:write"[^}]*status="success"[^}]*\} 1$/m)
    expect(metrics).toMatch(/^rules_reload_total\{.*result="success".*\} 1$/m)
    expect((await fetch(server.url, { method: 'POST', body: 'x' })).status).toBe(415)
    expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(
      /^refused_request_total\{.*reason="content_type"/m,
    )
    expect((await fetch(`${server.url}/-/reload`, { method: 'POST' })).status).toBe(200)

    const second = talon(['server', '-c', 'config.yaml', '-r', 'rules.yaml'], {
      cwd: folder,
      env: {
        LISTEN_ADDRESS: '127.0.0.1',
        LISTEN_PORT: new URL(server.url).port,
        XDG_STATE_HOME: join(folder, 'second'),
      },
    })
    expect([second.status, second.stderr]).toEqual([2, expect.stringMatching(/is in use: .*LISTEN_PORT/)])
    expect(await server.stop()).toBe(0)
    expect(server.output()).toContain('Talon has stopped')
  })
})
