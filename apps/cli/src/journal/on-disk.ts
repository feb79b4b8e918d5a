import type { Config } from '@talon/core'
import { ConfigError } from '@talon/plugin'
import { entryLine, openJournal } from '@talon/server'
import { createLogger } from '@talon/telemetry'
import type { JournalSource, Line } from './source.ts'

/** The journal of a server that does not run. @throws ConfigError where it keeps none. */
export async function onDisk(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
): Promise<JournalSource> {
  if (config.journal.type === 'memory')
    throw new ConfigError('no server runs, and journal.type is memory: there is no journal to look at')
  const log = createLogger({ format: 'color', level: 'warn', stream: process.stderr })
  const journal = await openJournal({ config, env, log, onTrouble() {} })
  return {
    list: async (query) => (await journal.list(query)).map((entry) => entryLine(entry) as Line),
    show: (id) => journal.show(id),
    retry: (id) => journal.retry(id, Date.now()),
    drop: (id) => journal.drop(id),
    close: () => journal.close(),
  }
}
