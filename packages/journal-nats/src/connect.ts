import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, type Logger } from '@talon/plugin'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import { obstacle } from './failure.ts'
import type { NatsConnectionOptions } from './options.ts'

/** Milliseconds between tries to reach a server, and for one try. */
const PAUSE = 500
const TIMEOUT = 5_000

export interface ConnectParts {
  readonly options: NatsConnectionOptions
  readonly name: string
  /** Milliseconds that a start waits for a NATS that is not there yet. */
  readonly patience: number
  readonly log: Logger
}

/** Connects, and from then on comes back for ever. @throws ConfigError with the way out. */
export async function connectTo({ options, name, patience, log }: ConnectParts): Promise<NatsConnection> {
  const { connect, credsAuthenticator } = await import('@nats-io/transport-node')
  const { servers, user, password, token, tls } = options
  const credentials = options.credentials
  const wanted: NodeConnectionOptions = {
    ...{ servers: [...servers], name: `talon ${name}`, timeout: TIMEOUT },
    ...{ maxReconnectAttempts: -1, reconnectTimeWait: PAUSE, reconnectJitter: PAUSE / 5, pingInterval: 5_000 },
    // A server that is restored from a backup may not know the user for a while.
    ignoreAuthErrorAbort: true,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { token }),
    ...(credentials !== undefined && { authenticator: credsAuthenticator(await file('credentials', credentials)) }),
    ...((tls?.ca ?? tls?.cert ?? tls?.key) && {
      tls: {
        ...(tls.ca && { ca: (await file('tls.ca', tls.ca)).toString() }),
        ...(tls.cert && { cert: (await file('tls.cert', tls.cert)).toString() }),
        ...(tls.key && { key: (await file('tls.key', tls.key)).toString() }),
      },
    }),
  }
  const since = performance.now()
  for (let tried = 0; ; tried++)
    try {
      return await connect(wanted)
    } catch (error) {
      const failure = obstacle(error, `${servers.join(', ')} cannot be used`)
      if (!isAway(error) || performance.now() - since > patience) throw failure
      if (tried === 0) log.warn('NATS cannot be reached: the start waits for it', { error: failure.message })
      await sleep(PAUSE)
    }
}

async function file(setting: string, path: string): Promise<Buffer> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`journal.nats.${setting}: ${path} cannot be read (${error.code ?? error.message})`)
  })
}

/** Whether nobody answers there yet: anything else gets no better by waiting. */
function isAway(error: unknown): boolean {
  const said = error instanceof Error ? `${error.name} ${error.message} ${String(error.cause)}` : String(error)
  return /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|TimeoutError|refused|ECONNRESET/i.test(said)
}
