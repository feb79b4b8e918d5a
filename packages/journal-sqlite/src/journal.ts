import { join } from 'node:path'
import { roomFor, stepsKept } from '@talon/core'
import type { AdoptingJournal, KeptEntry, Known, StepRecord, Verdict, Window } from '@talon/core'
import { PRIORITIES, TalonError, type Event } from '@talon/plugin'
import { alarm } from './alarm.ts'
import { Feed } from './feed.ts'
import { REFUSED, STATES, type Row } from './operations.ts'
import type { SqliteJournalOptions } from './options.ts'
import { entryOf, keptOf, letterOf } from './read.ts'
import { Thread } from './thread.ts'

/** Letters read at once. */
const PAGE = 100

/**
 * The durable journal: one SQLite file, which one process has open at a time. A promise that resolved is on disk.
 * @throws ConfigError where the file cannot be used, with the way out.
 */
export async function sqliteJournal(options: SqliteJournalOptions): Promise<AdoptingJournal> {
  const { log, maxEvents, maxBytes, keep } = options
  const file = join(options.path, 'journal.db')
  // Steps of the clock while it runs move no window.
  const begun = options.now() - options.monotonic()
  const time = () => begun + options.monotonic()
  const thread = await Thread.open({
    setting: { file, maxEvents, keep, onFailure: options.onFailure, at: time() },
    time,
    ...alarm(options, file),
  })
  if (thread.aside)
    log.error('the journal was damaged: it was moved aside, and what could be read of it was taken over', {
      file: thread.aside.file,
      events: thread.aside.salvaged,
    })
  const feed = new Feed({ last: thread.last, page: (range) => thread.ask('page', range), read })

  /** A later Talon may be stricter about events: such an event is put aside for an operator to see in the log. */
  async function read(row: Row) {
    try {
      return entryOf(row)
    } catch (error) {
      log.error('an event in the journal cannot be read any more, it counts as failed', { id: row.id, raw: row.raw })
      if (!TalonError.is(error)) throw error
      await thread.ask('finish', { id: row.id, failed: true, at: time() })
      return undefined
    }
  }

  async function arrive(
    event: Event,
    { key, length, sliding }: Window,
    known?: Known,
    concluded = false,
  ): Promise<Verdict> {
    const { id, received, traceId, parentSpanId = null, raw, priority } = event
    const sampled = event.sampled === false ? 0 : 1
    const turn = await thread.ask('accept', {
      ...{ id, received, traceId, parentSpanId, sampled, raw, key, length, sliding },
      urgency: PRIORITIES.indexOf(priority),
      events: roomFor(event, maxEvents),
      bytes: roomFor(event, maxBytes),
      at: time(),
      facts: known ? factsOf(known) : [],
      concluded,
    })
    if (turn <= 0) return turn === REFUSED.full ? 'full' : 'duplicate'
    // What is known of an adopted one is read back with it.
    if (!concluded) feed.push(turn, known ? undefined : event)
    return 'accepted'
  }

  return {
    accept: (event, window) => arrive(event, window),
    conclude: (event, window) => arrive(event, window, undefined, true),
    adopt: (event, window, known) => arrive(event, window, known),
    work: () => feed.work(),
    plan: (id, plan) => thread.ask('plan', { id, plan: JSON.stringify(plan) }),
    step: (id, step, record, letters = []) =>
      thread.ask('step', {
        ...{ id, step, record: JSON.stringify(record) },
        letters: letters.map(({ notifier, report }) => ({ id: report.id, notifier, report: JSON.stringify(report) })),
      }),
    note: (id, name, value) => thread.ask('note', { id, name, value }),
    finish: (id, result) => thread.ask('finish', { id, failed: result === 'failed', at: time() }),
    async *letters() {
      let after = 0
      for (let full = true; full;) {
        const rows = await thread.ask('letters', { after, upTo: thread.last, limit: PAGE })
        for (const row of rows) yield letterOf(row)
        after = rows.at(-1)?.place ?? after
        full = rows.length === PAGE
      }
    },
    delivered: ({ report, notifier }) => thread.ask('delivered', { id: report.id, notifier }),
    async list({ state, limit }) {
      const rows = await thread.ask('list', { state: state ? STATES.indexOf(state) : null, limit })
      return rows.flatMap(kept).toSorted((a, b) => b.event.received - a.event.received)
    },
    async show(id) {
      const row = await thread.ask('show', { id })
      return row && kept(row)[0]
    },
    async retry(id, now) {
      const row = await thread.ask('show', { id })
      if (!row) return false
      const steps = Object.fromEntries(row.steps.map(([name, record]) => [name, JSON.parse(record) as StepRecord]))
      const stay = stepsKept(steps)
      const without = Object.keys(steps).filter((name) => !(name in stay))
      const turn = await thread.ask('retry', { id, asked: now, without })
      if (turn) feed.push(turn)
      return turn > 0
    },
    drop: (id) => thread.ask('drop', { id }),
    stats() {
      const { waiting, failed, oldest, bytes } = thread.figures
      return { waiting, failed, bytes, ...(oldest !== undefined && { oldest }) }
    },
    async close() {
      feed.close()
      await thread.close()
    },
  }
}

function factsOf({ plan, steps, notes }: Known): [string, string, string][] {
  return [
    ...(plan ? [['plan', '', JSON.stringify(plan)] satisfies [string, string, string]] : []),
    ...Object.entries(steps).map(([name, record]): [string, string, string] => ['step', name, JSON.stringify(record)]),
    ...Object.entries(notes).map(([name, value]): [string, string, string] => ['note', name, value]),
  ]
}

/** None where it cannot be read any more. */
function kept(row: Row): KeptEntry[] {
  try {
    return [keptOf(row)]
  } catch (error) {
    if (TalonError.is(error)) return []
    throw error
  }
}
