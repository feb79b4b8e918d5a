import { hostname } from 'node:os'
import { memoryJournal, type Config, type Journal } from '@talon/core'
import type { Logger } from '@talon/plugin'
import { ensureWritable, journalPath } from './state.ts'

export interface JournalParts {
  readonly config: Config
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Logger
  /** Counts what the disk refused. */
  readonly onTrouble: () => void
}

/** Milliseconds of a clock that is never set back. */
const monotonic = () => performance.now()

/** Opens the journal that the settings ask for. @throws ConfigError with the way out where it cannot be had. */
export async function openJournal({ config, env, log, onTrouble }: JournalParts): Promise<Journal> {
  const { type, max_events: maxEvents, max_bytes: maxBytes, keep, on_failure: onFailure } = config.journal
  if (type === 'memory') return memoryJournal({ maxEvents, now: monotonic })
  if (type === 'nats') {
    const { name = env['POD_NAME'] ?? `${hostname()}-${config.listen_port}`, lease, ...nats } = config.journal.nats
    const { natsJournal } = await import('@talon/journal-nats')
    return natsJournal({
      connection: nats,
      name,
      prefix: nats.prefix,
      replicas: nats.replicas,
      maxEvents,
      maxBytes,
      keep: keep * 1000,
      window: config.deduplication.time_window_seconds * 1000,
      lease: lease * 1000,
      now: Date.now,
      monotonic,
      log,
      onTrouble,
    })
  }
  const path = journalPath(config, env)
  await ensureWritable(path, 'journal.path')
  const { sqliteJournal } = await import('@talon/journal-sqlite')
  return sqliteJournal({
    path,
    maxEvents,
    maxBytes,
    keep: keep * 1000,
    onFailure,
    now: Date.now,
    monotonic,
    log,
    onTrouble,
  })
}
