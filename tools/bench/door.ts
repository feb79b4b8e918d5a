import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '@talon/sandbox'
import autocannon from 'autocannon'
import { freePort, until } from './ports.ts'
import { median, type Bench } from './row.ts'

const TALON = join(import.meta.dirname, '../../apps/cli/bin/talon.mjs')
const ROUNDS = 5
const SECONDS = 3
const CONNECTIONS = 32

/** An event of two kilobytes, each with another name, so that none is a repeat. `[<id>]` is the load's own counter. */
const EVENT = JSON.stringify({
  rule: 'Terminal shell in container',
  priority: 'Notice',
  source: 'syscall',
  hostname: 'node-1',
  tags: ['container', 'mitre_execution', 'shell'],
  time: '2026-01-01T00:00:00.000000001Z',
  output: `00:00:00.000000001: Notice A shell was spawned ${'x'.repeat(700)}`,
  output_fields: {
    'evt.time': 0,
    'k8s.pod.name': '[<id>]',
    'k8s.ns.name': 'default',
    'proc.cmdline': `sh -c ${'y'.repeat(600)}`,
    'proc.tty': 34817,
    ...Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`proc.aname[${n}]`, `parent-${n}`])),
  },
}).replace('"evt.time":0', '"evt.time":1667319338184268801')

async function load(url: string): Promise<number> {
  const result = await autocannon({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: EVENT,
    idReplacement: true,
    connections: CONNECTIONS,
    duration: SECONDS,
  })
  if (result.non2xx || result.errors)
    throw new Error(`${result.non2xx} refusals and ${result.errors} errors from ${url}`)
  return result.requests.average
}

/** Accepted events a second, beside a bare node:http server that reads and parses the same body. */
export const door: Bench = {
  name: 'door',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'talon-bench-'))
    const [port, barePort] = [await freePort(), await freePort()]
    const sandbox = await startSandbox()
    const kubeconfig = sandbox.writeKubeconfig(join(folder, 'kubeconfig'))
    writeFileSync(join(folder, 'rules.yaml'), RULES)
    writeFileSync(
      join(folder, 'config.yaml'),
      `listen_address: 127.0.0.1\nlisten_port: ${port}\nkubeconfig: ${kubeconfig}\nlog_format: json\nprint_all_events: false\njournal: { type: memory }\n`,
    )
    const args = [TALON, 'server', '-c', join(folder, 'config.yaml'), '-r', join(folder, 'rules.yaml')]
    const talon = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const bare = fork(join(import.meta.dirname, 'bare-server.ts'), [String(barePort)])
    const urls = { talon: `http://127.0.0.1:${port}`, bare: `http://127.0.0.1:${barePort}` }
    try {
      for (const url of Object.values(urls)) await until(() => fetch(url).then(() => true))
      for (const url of Object.values(urls)) await load(url)
      const pairs: { talon: number; bare: number }[] = []
      for (let round = 0; round < ROUNDS; round++)
        pairs.push({ talon: await load(urls.talon), bare: await load(urls.bare) })
      const ratio = median(pairs.map(({ talon, bare }) => talon / bare))
      return [
        {
          what: 'events accepted a second, 2 KB each, none matched',
          measured: `${Math.round(median(pairs.map(({ talon }) => talon)))}/s`,
          baseline: `bare node:http with JSON.parse: ${Math.round(median(pairs.map(({ bare }) => bare)))}/s`,
          result: ratio.toFixed(2),
          aim: '>= 0.70',
          met: ratio >= 0.7,
        },
      ]
    } finally {
      await Promise.all([end(talon), end(bare), sandbox.close()])
      rmSync(folder, { recursive: true })
    }
  },
}

const RULES = `
- rule: Something else
  match: { rules: [Another rule] }
  actions: [{ action: End it, actionner: "kubernetes:terminate" }]
`

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
