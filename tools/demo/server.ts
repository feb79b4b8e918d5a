import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { brief } from './brief.ts'

const TALON = join(import.meta.dirname, '../../apps/cli/bin/talon.mjs')
const RULES = join(import.meta.dirname, 'rules.yaml')
const PORT = 2803
/** Milliseconds that a slow machine may need. */
const PATIENCE = 60_000

export interface Server {
  readonly url: string
  /** Milliseconds from its start until it was ready. */
  readonly took: number
  /** Sends an event as Falco does. */
  post(event: object): Promise<{ status: number; traceId: string; took: number; sent: number }>
  /** From now on what it logs is shown, in brief. */
  show(): void
  /** Ends it, and gives its exit status. */
  stop(): Promise<number | null>
}

/** Starts `talon server` as its own process, in a folder and with settings that are the demo's alone. */
export async function startServer(folder: string, kubeconfig: string, webhook: string): Promise<Server> {
  const port = await choosePort()
  const settings = {
    listen_address: '127.0.0.1',
    listen_port: port,
    kubeconfig,
    print_all_events: true,
    log_format: 'text',
    journal: { path: join(folder, 'journal') },
    default_notifiers: ['webhook'],
    notifiers: { webhook: { url: webhook } },
  }
  const config = join(folder, 'config.yaml')
  writeFileSync(config, JSON.stringify(settings, null, 2)) // JSON is YAML
  const began = performance.now()
  const child = spawn(process.execPath, [TALON, 'server', '-c', config, '-r', RULES], {
    cwd: folder,
    // Nothing of the user's environment: a variable such as NOTIFIERS_… or KUBECONFIG would reach further than a demo may.
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // Ctrl-C reaches the demo alone, which then stops the server
  })
  let logged = ''
  const keep = (chunk: Buffer) => void (logged = (logged + chunk.toString()).slice(-20_000))
  for (const stream of [child.stdout, child.stderr]) stream.on('data', keep)
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const url = `http://127.0.0.1:${port}`
  try {
    while (!(await fetch(`${url}/readyz`).catch(() => undefined))?.ok) {
      if (child.exitCode !== null) throw new Error(`the server ended with status ${child.exitCode}:\n${logged}`)
      if (performance.now() - began > PATIENCE) throw new Error(`the server is not ready:\n${logged}`)
      await sleep(20)
    }
  } catch (error) {
    child.kill()
    throw error
  }
  const took = performance.now() - began
  return {
    url,
    took,
    async post(event) {
      const body = JSON.stringify(event)
      const sent = performance.now()
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      await answer.arrayBuffer()
      const traceId = answer.headers.get('x-trace-id') ?? ''
      return { status: answer.status, traceId, took: performance.now() - sent, sent }
    },
    show() {
      for (const [stream, out] of [
        [child.stdout, process.stdout],
        [child.stderr, process.stderr],
      ] as const)
        createInterface({ input: stream.off('data', keep) }).on('line', (line) => void out.write(`${brief(line)}\n`))
    },
    async stop() {
      child.kill('SIGTERM')
      return exited
    },
  }
}

/** Talon's own port, so that Falco could be pointed here; another one where it is taken. */
async function choosePort(): Promise<number> {
  for (const port of [PORT, 0]) {
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch {
      continue
    }
    const chosen = (server.address() as AddressInfo).port
    server.close()
    await once(server, 'close')
    return chosen
  }
  throw new Error('no port of 127.0.0.1 can be opened')
}
