import { constants, readFileSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { ConfigError } from '@talon/plugin'
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node'
import type { NatsConnectionOptions } from './options.ts'
import { whenThere, type PatienceParts } from './patience.ts'

/** Milliseconds between tries to reach a server, and for one try. */
const PAUSE = 500
const TIMEOUT = 5_000

export interface ConnectParts extends PatienceParts {
  readonly options: NatsConnectionOptions
  readonly name: string
}

/** Connects, and from then on comes back for ever. @throws ConfigError with the way out. */
export async function connectTo(parts: ConnectParts): Promise<NatsConnection> {
  const { options, name } = parts
  const { connect, credsAuthenticator } = await import('@nats-io/transport-node')
  const { servers, user, password, token, tls } = options
  const { credentials } = options
  const files = { credentials, 'tls.ca': tls?.ca, 'tls.cert': tls?.cert, 'tls.key': tls?.key }
  for (const [setting, path] of Object.entries(files)) await checkFile(setting, path)
  const wanted: NodeConnectionOptions = {
    ...{ servers: [...servers], name: `talon ${name}`, timeout: TIMEOUT },
    ...{ maxReconnectAttempts: -1, reconnectTimeWait: PAUSE, reconnectJitter: PAUSE / 5, pingInterval: 5_000 },
    // A server that is restored from a backup may not know the user for a while.
    ignoreAuthErrorAbort: true,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { pass: password }),
    ...(token !== undefined && { token }),
    ...(credentials !== undefined && { authenticator: credsAuthenticator(renewed(credentials)) }),
    ...((tls?.ca ?? tls?.cert ?? tls?.key) && {
      tls: {
        ...(tls.ca && { caFile: tls.ca }),
        ...(tls.cert && { certFile: tls.cert }),
        ...(tls.key && { keyFile: tls.key }),
      },
    }),
  }
  return whenThere(`${servers.join(', ')} cannot be used`, () => connect(wanted), parts)
}

async function checkFile(setting: string, path: string | undefined): Promise<void> {
  if (path === undefined) return
  await access(path, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`journal.nats.${setting}: ${path} cannot be read (${error.code ?? error.message})`)
  })
}

/** Reads the file each time; while it is being replaced, what was in it before stands. */
function renewed(path: string): () => Uint8Array {
  let last = readFileSync(path)
  return () => {
    try {
      last = readFileSync(path)
    } catch {
      // The next connection reads it again.
    }
    return last
  }
}
