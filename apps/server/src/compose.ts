import { createTalon, inspect, type Setup, type Talon } from '@talon/core'
import { ConfigError, type Logger } from '@talon/plugin'
import { openTelemetry } from '@talon/telemetry'
import { addGauges } from './gauges.ts'
import { createAuth } from './auth.ts'
import { openCredentials, type Credentials } from './credentials.ts'
import { createApp } from './http.ts'
import { openJournal } from './journal.ts'
import type { Reason } from './refusal.ts'
import { refusals } from './refusals.ts'
import { reloadEvents, type TellReload } from './reload-event.ts'
import { reloader, tell, type Reloader } from './reload.ts'
import { replicate } from './replicas.ts'
import { ensureWritable, spoolPath } from './state.ts'

/** The server's parts, put together and running, but for the port. */
export interface Composed extends Reloader {
  readonly talon: Talon
  readonly app: ReturnType<typeof createApp>
  readonly credentials: Credentials
  readonly refused: (reason: Reason, message: string) => void
  /** Hands over what the collector has not got yet; after the engine has stopped. */
  readonly closeTelemetry: () => Promise<void>
}

/** Puts the server together. @throws ConfigError that lists everything that is wrong. */
export async function compose(
  setup: Setup,
  log: Logger,
  env: Readonly<Record<string, string | undefined>>,
  version?: string,
): Promise<Composed> {
  const { config } = setup
  const issues = [...setup.issues, ...inspect(setup).issues]
  if (issues.some(({ level }) => level === 'error')) throw new ConfigError(issues)
  const credentials = await openCredentials(config.auth.clients, log)
  const telemetry = await openTelemetry({
    otel: config.otel,
    printAllEvents: config.print_all_events,
    ...{ log, env, secrets: setup.secrets, ...(version !== undefined && { version }) },
  })
  const { metrics } = telemetry
  const troubles = metrics.meter.createCounter('journal_trouble', { description: 'What the journal could not store' })
  const own = await openJournal({ config, env, log, onTrouble: () => troubles.add(1) })
  const replication = await replicate({ journal: own, config, env, log })
  const journal = replication?.replica ?? own
  const talon = await start().catch(async (error: unknown) => {
    // A server that cannot start holds no file and no Lease.
    await journal.close()
    await telemetry.close()
    throw error
  })
  addGauges(metrics, { talon, journal, config, ...replication })
  tell(issues, log)

  async function start(): Promise<Talon> {
    const spool = spoolPath(config, env)
    await ensureWritable(spool, 'spool.path')
    return createTalon({ ...setup, log, observers: telemetry.observers, journal, spoolPath: spool })
  }

  const tellReload = reloadEvents(config, env, log)
  const told: TellReload = (result, note) => {
    metrics.reloaded(result)
    tellReload(result, note)
  }
  const paths = setup.rules.map(({ name }) => name)
  const { reload, look } = reloader({ talon, paths, loaded: setup.rules, log, told })
  const refused = refusals({ counted: metrics.refused, log, now: () => performance.now() })
  const auth = createAuth(() => credentials.known)
  const app = createApp({ talon, metrics, reload, journal, auth, refused, log, ...(replication && { replication }) })
  return { talon, app, credentials, reload, look, refused, closeTelemetry: telemetry.close }
}
