import { once } from 'node:events'
import { firstParty } from '@talon/bundle'
import { readSetup, type SetupOptions } from '@talon/core'
import type { Logger } from '@talon/plugin'
import { createLogger } from '@talon/telemetry'
import { compose } from './compose.ts'
import { listen } from './listen.ts'
import type { Reload } from './reload.ts'
import { openTls } from './tls.ts'
import { watchFiles } from './watch.ts'

export interface ServeOptions extends Omit<SetupOptions, 'plugins'> {
  /** Ends the server: it takes no more, finishes what it can within `shutdown_timeout`, and closes all. */
  readonly signal: AbortSignal
  /** Version of Talon, for those who watch it. */
  readonly version?: string
}

/** A server that takes events. */
export interface Running {
  /** Where it listens: `http://127.0.0.1:2803`. */
  readonly url: string
  readonly reload: Reload
  readonly log: Logger
  /** Says what stays undone, before the process is ended at once. */
  readonly leave: () => void
  /** Resolves once all is closed, after the signal aborted. */
  readonly stopped: Promise<void>
}

const LATER = 'stays in the journal, and goes on at the next start'

/**
 * Starts the server: reads its files, opens what the rules use, listens.
 * @throws ConfigError that lists everything that is wrong, before any event is taken.
 */
export async function serve({ signal, version, ...options }: ServeOptions): Promise<Running> {
  const setup = await readSetup({ ...options, plugins: await firstParty() })
  const { config } = setup
  const log = createLogger({ format: config.log_format, secrets: setup.secrets })
  const tls = await openTls(config.tls, log)
  const composed = await compose(setup, log, options.env, version)
  const { talon, app, credentials, reload, look, refused, closeTelemetry } = composed
  const { listen_address: address, listen_port: port, max_connections: maxConnections } = config
  const door = await listen(app, { address, port, maxConnections, tls, refused }).catch(async (error: unknown) => {
    await talon.stop()
    await closeTelemetry()
    throw error
  })
  const url = `http${tls ? 's' : ''}://${door.address.includes(':') ? `[${door.address}]` : door.address}:${door.port}`
  log.info('Talon takes events', { url, rules: talon.ruleset.rules.length, plugins: setup.plugins.length })
  if (!config.auth.clients.length)
    log.warn('everybody who reaches the port may send events: auth.clients says who may', { listen_address: address })
  if (credentials.files.length) void watchFiles(credentials.files, () => credentials.look(), { signal, log })
  if (tls) void watchFiles(tls.files, () => tls.look((context) => door.use(context)), { signal, log })
  if (config.watch_rules)
    void watchFiles(
      setup.rules.map(({ name }) => name),
      look,
      { signal, log },
    )

  async function stop(): Promise<void> {
    if (!signal.aborted) await once(signal, 'abort')
    log.info('Talon is stopping: it finishes what it can; a second signal ends it at once', {
      finishing: talon.stats().events,
      seconds: config.shutdown_timeout,
    })
    // The port stays open meanwhile: who comes late is told to come again, and not left without an answer.
    await talon.stop()
    await door.close()
    await closeTelemetry()
    log.info('Talon has stopped', { unfinished: talon.stats().events })
  }
  function leave(): void {
    const { events: unfinished } = talon.stats()
    const left = config.journal.type === 'memory' ? 'is lost: journal.type is memory' : LATER
    log.warn(`Talon ends at once${unfinished ? `; what is unfinished ${left}` : ''}`, { unfinished })
  }
  return { url, reload, log, leave, stopped: stop() }
}
