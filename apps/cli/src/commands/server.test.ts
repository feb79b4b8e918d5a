import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { spawnServer, startServer } from '../talon.fixture.ts'

const patience = { timeout: 20_000, interval: 20 }
const KUBECONFIG = {
  clusters: [{ name: 'away', cluster: { server: 'http://127.0.0.1:1' } }],
  contexts: [{ name: 'away', context: { cluster: 'away', user: 'away' } }],
  users: [{ name: 'away', user: {} }],
  'current-context': 'away',
}
const RULES = '- rule: Answer\n  actions: [{ action: Cordon, actionner: "kubernetes:cordon" }]\n'
const EVENT = { rule: 'Shell', priority: 'Notice', output_fields: { 'k8s.ns.name': 'a', 'k8s.pod.name': 'b' } }

it.each([
  ['sqlite', 'what is unfinished stays in the journal, and goes on at the next start'],
  ['memory', 'what is unfinished is lost: journal.type is memory'],
])(
  'a second signal ends a server with a journal of type %s at once, and it says what is left',
  { timeout: 60_000 },
  async (type, said) => {
    const folder = mkdtempSync(join(tmpdir(), 'talon-ending-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = (name: string, text: string) => writeFileSync(join(folder, name), text)
    file('kubeconfig', JSON.stringify(KUBECONFIG))
    file('rules.yaml', RULES)
    file(
      'config.yaml',
      `kubeconfig: ${join(folder, 'kubeconfig')}\njournal: { type: ${type} }\nshutdown_timeout: 10m\n`,
    )
    const server = await startServer(['-c', 'config.yaml', '-r', 'rules.yaml'], folder)
    onTestFinished(async () => void (await server.stop('SIGKILL')))

    // The cluster is away: its step waits for it.
    const headers = { 'content-type': 'application/json' }
    const { status } = await fetch(server.url, { method: 'POST', headers, body: JSON.stringify(EVENT) })
    expect(status).toBe(202)
    server.process.kill('SIGINT')
    await vi.waitFor(
      () => expect(server.output()).toMatch(/a second signal ends it at once","finishing":1,"seconds":600\}/),
      patience,
    )
    expect(await server.stop('SIGINT')).toBe(130)
    expect(server.output()).toContain(`"message":"Talon ends at once; ${said}","unfinished":1}`)
  },
)

it('a signal ends a start that waits for something outside', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'talon-starting-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(KUBECONFIG))
  writeFileSync(join(folder, 'rules.yaml'), RULES)
  // Nothing listens there.
  const journal = 'journal: { type: nats, nats: { servers: [nats://127.0.0.1:1] } }'
  writeFileSync(join(folder, 'config.yaml'), `kubeconfig: ${join(folder, 'kubeconfig')}\n${journal}\n`)
  const server = spawnServer(['-c', 'config.yaml', '-r', 'rules.yaml'], folder)
  onTestFinished(async () => void (await server.stop('SIGKILL')))
  await vi.waitFor(() => expect(server.output()).toContain('the start waits for it'), patience)
  expect(await server.stop('SIGTERM')).toBe(143)
  expect(server.output()).toContain('Talon ends before it has started')
})
