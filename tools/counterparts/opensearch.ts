import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { openSearchJars } from './opensearch/jars.ts'

/** A search server on loopback, as its own process: OpenSearch with TLS and users. */
export interface OpenSearch {
  /** https://localhost:<port> */
  readonly url: string
  readonly user: string
  readonly password: string
  /** Asks it as that user, in a way that shares nothing with Talon. `path` is encoded. Throws where it answers no 2xx. */
  ask(path: string, init?: { readonly method?: string; readonly body?: unknown }): Promise<unknown>
  close(): Promise<void>
}

export interface OpenSearchOptions {
  /** Files of a certificate for localhost and its key (PKCS #8). */
  readonly tls: { readonly cert: string; readonly key: string }
}

const USER = 'talon'
const PASSWORD = 'talon-password'
/** bcrypt of the password, by the plugin's own tool (`org.opensearch.security.tools.Hasher`). */
const HASH = '$2y$12$pyRtYJBoY3W1WpKdOXSSJuVIkbNqhjkXszu0.E1kBJwyR.5sksip.'

const JAVA = [
  ...['-Xms512m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dlog4j2.disable.jmx=true'],
  '--enable-native-access=ALL-UNNAMED',
]

/** Starts a server without indices; fetches it first where the cache has none. Rejects where Java or Maven is missing. */
export async function startOpenSearch({ tls }: OpenSearchOptions): Promise<OpenSearch> {
  const jars = await openSearchJars()
  const folder = mkdtempSync(join(tmpdir(), 'talon-opensearch-'))
  const port = await freePort()
  configure(folder, { jars, port, transport: await freePort(), tls })
  const program = join(import.meta.dirname, 'opensearch/Launch.java')
  const classes = `${jars}/lib/*:${jars}/security/*`
  const log = `-Dlog4j.configurationFile=${join(folder, 'config/log4j2.properties')}`
  const args = [...JAVA, log, '-cp', classes, program, folder, 'org.opensearch.security.OpenSearchSecurityPlugin']
  let said = ''
  const child = spawn('java', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said = (said + String(chunk)).slice(-20_000)))
  const exited = once(child, 'exit')
  const url = `https://localhost:${port}`
  const ca = readFileSync(tls.cert)

  async function ask(
    path: string,
    { method = 'GET', body }: { method?: string; body?: unknown } = {},
  ): Promise<unknown> {
    const headers = { 'content-type': 'application/json' }
    const asked = request(url + path, { method, ca, headers, auth: `${USER}:${PASSWORD}` })
    asked.end(body === undefined ? undefined : JSON.stringify(body))
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const answered = await text(answer)
    if (answer.statusCode! >= 300) throw new Error(`OpenSearch answered ${answer.statusCode}: ${answered}`)
    return JSON.parse(answered)
  }

  // It answers before it knows its users; that takes a second more.
  for (;;) {
    if (child.exitCode !== null) throw new Error(`OpenSearch ended with ${child.exitCode}:\n${said}`)
    if (
      await ask('/').then(
        () => true,
        () => false,
      )
    )
      break
    await sleep(100)
  }
  return {
    ...{ url, user: USER, password: PASSWORD, ask },
    async close() {
      child.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Settings extends OpenSearchOptions {
  readonly jars: string
  readonly port: number
  readonly transport: number
}

function configure(folder: string, { jars, port, transport, tls }: Settings): void {
  const config = join(folder, 'config')
  const security = join(config, 'opensearch-security')
  mkdirSync(config)
  cpSync(join(jars, 'security/config'), security, { recursive: true })
  copyFileSync(tls.cert, join(config, 'cert.pem'))
  copyFileSync(tls.key, join(config, 'key.pem'))
  const ssl = (layer: string) => `
plugins.security.ssl.${layer}.pemcert_filepath: cert.pem
plugins.security.ssl.${layer}.pemkey_filepath: key.pem
plugins.security.ssl.${layer}.pemtrustedcas_filepath: cert.pem`
  const settings = `discovery.type: single-node
network.host: 127.0.0.1
http.port: ${port}
transport.port: ${transport}
path.data: ${folder}/data
path.logs: ${folder}/logs
cluster.routing.allocation.disk.threshold_enabled: false
plugins.security.allow_default_init_securityindex: true
plugins.security.ssl.http.enabled: true${ssl('http')}${ssl('transport')}
`
  const users = `_meta: { type: internalusers, config_version: 2 }
${USER}: { hash: "${HASH}", backend_roles: [admin] }
`
  const log = `appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
`
  writeFileSync(join(config, 'opensearch.yml'), settings)
  writeFileSync(join(config, 'log4j2.properties'), log)
  writeFileSync(join(security, 'internal_users.yml'), users)
}
