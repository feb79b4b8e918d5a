import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { binary } from '../cluster/binaries.ts'
import { freePort } from './free-port.ts'

/** A log server on loopback, as its own process, with TLS and a login: it takes Loki's pushes. */
export interface VictoriaLogs {
  /** https://localhost:<port>/insert, before `/loki/api/v1/push`. */
  readonly url: string
  readonly user: string
  readonly password: string
  /** Entries that a query in LogsQL finds, labels and the fields of JSON lines alike; of one tenant. */
  query(query: string, tenant?: number): Promise<Readonly<Record<string, string>>[]>
  /** How many pushes it took. */
  pushes(): Promise<number>
  close(): Promise<void>
}

export interface VictoriaLogsOptions {
  /** Files of a certificate for localhost and its key. */
  readonly tls: { readonly cert: string; readonly key: string }
}

const USER = 'talon'
const PASSWORD = 'talon-password'

/** Starts a server without entries; builds it first where the cache has none. Rejects where Go is missing. */
export async function startVictoriaLogs({ tls }: VictoriaLogsOptions): Promise<VictoriaLogs> {
  const program = await binary('victoria-logs')
  const folder = mkdtempSync(join(tmpdir(), 'talon-victoria-logs-'))
  const port = await freePort()
  const args = [
    ...[`-httpListenAddr=127.0.0.1:${port}`, `-storageDataPath=${folder}`, '-loggerLevel=WARN'],
    ...['-tls', `-tlsCertFile=${tls.cert}`, `-tlsKeyFile=${tls.key}`],
    ...[`-httpAuth.username=${USER}`, `-httpAuth.password=${PASSWORD}`],
  ]
  let said = ''
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)))
  const exited = once(child, 'exit')
  const url = `https://localhost:${port}`
  const ca = readFileSync(tls.cert)

  async function ask(path: string, headers: Record<string, string> = {}): Promise<string> {
    const asked = request(url + path, { ca, headers, auth: `${USER}:${PASSWORD}` })
    asked.end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const answered = await text(answer)
    if (answer.statusCode !== 200) throw new Error(`VictoriaLogs answered ${answer.statusCode}: ${answered}`)
    return answered
  }

  for (;;) {
    if (child.exitCode !== null) throw new Error(`VictoriaLogs ended with ${child.exitCode}:\n${said}`)
    if (
      await ask('/health').then(
        () => true,
        () => false,
      )
    )
      break
    await sleep(20)
  }
  return {
    ...{ url: `${url}/insert`, user: USER, password: PASSWORD },
    async query(query, tenant = 0) {
      const lines = await ask(`/select/logsql/query?query=${encodeURIComponent(query)}`, { AccountID: String(tenant) })
      return lines
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, string>)
    },
    async pushes() {
      const metrics = await ask('/metrics')
      return Number(
        /^vl_http_requests_total\{path="\/insert\/loki\/api\/v1\/push",format="json"\} (\d+)$/m.exec(metrics)?.[1],
      )
    },
    async close() {
      child.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
