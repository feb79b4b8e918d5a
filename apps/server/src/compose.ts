import { createTalon, inspect, type Setup, type Talon } from '@talon/core'
import { ConfigError, type Logger } from '@talon/plugin'
import { openTelemetry } from '@talon/telemetry'
import { createApp } from './http.ts'
import type { Reason } from './refusal.ts'
import { refusals } from './refusals.ts'
import { reloader, tell, type Reloader } from './reload.ts'
import { ensureWritable, spoolPath } from './state.ts'

/** The server's parts, put together and running, but for the port. */
export interface Composed extends Reloader {
  readonly talon: Talon
  readonly app: ReturnType<typeof createApp>
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
  const spool = spoolPath(config, env)
  await ensureWritable(spool, 'spool.path')

  const telemetry = await openTelemetry({
    otel: config.otel,
    printAllEvents: config.print_all_events,
    ...{ log, env, secrets: setup.secrets, ...(version !== undefined && { version }) },
  })
  const { metrics } = telemetry
  const talon = await createTalon({
    ...setup,
    log,
    observers: telemetry.observers,
    spoolPath: spool,
  })
  const stats = (name: keyof ReturnType<Talon['stats']>) => () => talon.stats()[name]
  metrics.gauges({
    unfinished_events: { description: 'Events whose last step is not over', read: stats('events') },
    unfinished_events_limit: {
      description: 'Unfinished events from which on more are refused',
      read: () => config.journal.max_events,
    },
    waiting_steps: { description: 'Steps that wait for a place', read: stats('steps') },
    waiting_reports: { description: 'Reports that wait for their notifier', read: stats('reports') },
    spooled_bytes: { description: 'Bytes of artifacts on their way', read: stats('spooled') },
    rules: { description: 'Rules that are loaded', read: () => talon.ruleset.rules.length },
  })
  tell(issues, log)
  if (config.journal.type !== 'memory')
    log.warn('events are kept in memory: those that are not finished are lost when the server ends unexpectedly', {
      'journal.type': config.journal.type,
    })

  const paths = setup.rules.map(({ name }) => name)
  const { reload, look } = reloader({ talon, paths, loaded: setup.rules, log, counted: metrics.reloaded })
  const refused = refusals({ counted: metrics.refused, log, now: () => performance.now() })
  const app = createApp({ talon, metrics, reload, refused, log })
  return { talon, app, reload, look, refused, closeTelemetry: telemetry.close }
}
