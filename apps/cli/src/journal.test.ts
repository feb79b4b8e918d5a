import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startServer, talon, type Serving } from './talon.fixture.ts'

let folder: string
let serving: Serving | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'talon-journal-'))
  // Nothing listens there: what the rule does fails for good.
  const cluster = { server: 'http://127.0.0.1:1' }
  const context = { name: 'c', context: { cluster: 'c', user: 'u' } }
  const kubeconfig = {
    clusters: [{ name: 'c', cluster }],
    contexts: [context],
    users: [{ name: 'u', user: {} }],
    'current-context': 'c',
  }
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(kubeconfig))
  writeFileSync(join(folder, 'config.yaml'), `kubeconfig: ${join(folder, 'kubeconfig')}\nretries: 0\nlisten_port: 1\n`)
  writeFileSync(
    join(folder, 'rules.yaml'),
    '- rule: Answer\n  actions: [{ action: Act, actionner: "kubernetes:label", parameters: { labels: { a: b } } }]\n',
  )
})
afterEach(async () => {
  await serving?.stop()
  serving = undefined
  rmSync(folder, { recursive: true })
})

const args = () => ['-c', join(folder, 'config.yaml'), '-r', join(folder, 'rules.yaml')]
const journal = (...more: string[]) => talon(['journal', ...more, ...args()], { env: { XDG_STATE_HOME: folder } })

/** Posts an event without a pod: the action fails for good. */
async function fail(): Promise<string> {
  serving = await startServer(args(), folder)
  const body = JSON.stringify({ rule: 'Shell \u001b[31m', priority: 'Warning', output: 'x' })
  await fetch(serving.url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  for (let left = 100; left; left--) {
    const { stdout } = journal('list', '--state', 'failed', '--format', 'json', '--server', serving.url)
    const [entry] = JSON.parse(stdout) as { id: string }[]
    if (entry) return entry.id
    await sleep(50)
  }
  throw new Error(`nothing failed:\n${serving.output()}`)
}

describe('talon journal', () => {
  it('lists, shows, begins again and drops what failed, over a running server', async () => {
    const id = await fail()
    const server = ['--server', serving?.url ?? '']
    const { stdout } = journal('list', ...server)
    expect(stdout).toMatch(/^ID +STATE +RECEIVED +PRIORITY +EVENT +RULES +REPEATS +ERROR\n/)
    expect(stdout).toMatch(new RegExp(`${id} +failed .* Warning +Shell +Answer +0 +the event has none of the fields`))
    expect(JSON.parse(journal('show', id, ...server).stdout)).toMatchObject({
      state: 'failed',
      plan: { rules: [{ rule: 'Answer' }] },
    })
    expect(journal('retry', id, ...server)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('begins again'),
    })
    for (let left = 100; journal('drop', id, ...server).status !== 0 && left; left--) await sleep(50)
    expect(journal('show', id, ...server)).toMatchObject({ status: 1, stderr: expect.stringContaining('no event') })
  })

  it('asks its own server as the client of the config file that may, whose secret it can read', async () => {
    const clients = [
      { name: 'scraper', roles: ['read'], token: 'the-token-of-the-scraper' },
      { name: 'former', roles: ['read', 'act'], token: 'the-token-of-old', expires: '2020-01-01T00:00:00Z' },
      { name: 'operator', roles: ['read', 'act'], token_file: join(folder, 'token') },
    ]
    writeFileSync(join(folder, 'token'), 'the-token-of-the-operator\n')
    appendFileSync(join(folder, 'config.yaml'), `auth: ${JSON.stringify({ clients })}\n`)
    serving = await startServer(args(), folder)
    const env = { LISTEN_PORT: new URL(serving.url).port }
    const own = (...more: string[]) => talon(['journal', ...more, ...args()], { env })
    expect(own('list')).toMatchObject({ status: 0, stdout: 'the journal is empty\n' })
    expect(own('retry', 'x')).toMatchObject({ status: 1, stderr: expect.stringContaining('no failed event') })
    rmSync(join(folder, 'token'))
    expect(own('list').status).toBe(0)
    expect(own('retry', 'x')).toMatchObject({ status: 2, stderr: expect.stringContaining('answered 401') })
    const elsewhere = talon(['journal', 'list', '--server', serving.url, ...args()], { env })
    expect(elsewhere).toMatchObject({ status: 2, stderr: expect.stringContaining('answered 401') })
  })

  it('reads what a server left on the disk, and says so where it cannot', async () => {
    const id = await fail()
    expect(journal('list')).toMatchObject({ status: 2, stderr: expect.stringMatching(/another|lock/) })
    await serving?.stop()
    serving = undefined
    expect(journal('list').stdout).toContain(id)
    expect(journal('drop', id).status).toBe(0)
    expect(journal('list').stdout).toBe('the journal is empty\n')
    expect(journal('list', '--server', 'http://127.0.0.1:1')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('nothing listens'),
    })
  })
})
