import type { Logger } from '@talon/plugin'
import type { JournalStand } from '../../core/src/journal.fixture.ts'
import { natsJournal } from './journal.ts'
import type { NatsJournalOptions } from './options.ts'

export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} }

let opened = 0

/** Options of a journal with streams of its own. */
export function optionsOf(url: string, over: Partial<NatsJournalOptions> = {}): NatsJournalOptions {
  return {
    ...{ connection: { servers: [url] }, name: 'one', prefix: `t${opened++}`, replicas: 1 },
    ...{ maxEvents: 100, maxBytes: 2 ** 26, keep: 3_600_000, window: 5_000, lease: 8_000, patience: 2_000 },
    ...{ now: Date.now, monotonic: () => performance.now(), log: quiet },
    ...over,
  }
}

/** An empty journal, with a clock for its windows that stands still. */
export async function openStand(url: string, over: Partial<NatsJournalOptions> = {}): Promise<JournalStand> {
  let time = 1_800_000_000_000
  const options = optionsOf(url, { now: () => time, ...over })
  const stand: Required<JournalStand> = {
    journal: await natsJournal(options),
    pass: (milliseconds) => void (time += milliseconds),
    async restart() {
      await stand.journal.close()
      stand.journal = await natsJournal(options)
    },
    close: () => stand.journal.close(),
  }
  return stand
}
