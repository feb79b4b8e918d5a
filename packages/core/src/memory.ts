import { Readable } from 'node:stream'
import type { Event } from '@talon/plugin'
import {
  stepsKept,
  type EntryState,
  type AdoptingJournal,
  type KeptEntry,
  type Known,
  type Letter,
  type StepKey,
  type StepRecord,
  type Verdict,
  type Window,
  type Work,
} from './journal.ts'
import type { Plan } from './plan.ts'
import { roomFor } from './room.ts'
import { Windows, type Seen } from './windows.ts'

/** How many unfinished events it holds, and the clock that windows go by. */
export interface MemoryJournalOptions {
  readonly maxEvents: number
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number
}

interface Held {
  readonly event: Event
  /** The one that it began. */
  readonly window: { readonly key: string; readonly seen: Seen } | undefined
  steps: Record<StepKey, StepRecord>
  readonly notes: Record<string, string>
  plan?: Plan
  asked?: number
  finished?: number
}

/** Failed events that are kept for an operator, and ids of those that are done; older ones are forgotten first. */
const FAILED = 1000
const DONE = 10_000

/** The journal of those who asked for memory, and of tests. What it holds is lost with the process. */
export function memoryJournal({ maxEvents, now }: MemoryJournalOptions): AdoptingJournal {
  const held = new Map<string, Held>()
  const failed = new Map<string, Held>()
  const done = new Set<string>()
  const windows = new Windows(maxEvents)
  const feed = new Readable({ objectMode: true, read() {} })

  const entryOf = ({ window, ...entry }: Held): Omit<KeptEntry, 'state'> => ({
    ...entry,
    repeats: window?.seen.repeats ?? 0,
  })
  const keptOf = (entry: Held, state: EntryState): KeptEntry => ({ ...entryOf(entry), state })

  async function* work(): AsyncIterable<Work> {
    for await (const id of feed) {
      const entry = held.get(id)
      if (entry) yield { entry: entryOf(entry) }
    }
  }

  function take(event: Event, { key, length, sliding }: Window, known: Known | 'concluded'): Verdict {
    if (held.has(event.id) || failed.has(event.id) || done.has(event.id)) return 'duplicate'
    const time = now()
    const first = length > 0 ? windows.find(key, time) : undefined
    if (first) {
      first.repeats++
      if (sliding) windows.extend(first, time + length)
      return 'duplicate'
    }
    if (held.size >= roomFor(event, maxEvents)) return 'full'
    const window = length > 0 ? { key, seen: windows.begin(key, time + length) } : undefined
    if (known === 'concluded') {
      forget(event.id)
      return 'accepted'
    }
    held.set(event.id, { ...known, event, window, steps: { ...known.steps }, notes: { ...known.notes } })
    feed.push(event.id)
    return 'accepted'
  }

  /** Of what is done the id is left, for a while. */
  function forget(id: string): void {
    done.add(id)
    const [first] = done
    if (done.size > DONE && first !== undefined) done.delete(first)
  }

  return {
    accept: async (event, window) => take(event, window, { steps: {}, notes: {} }),
    conclude: async (event, window) => take(event, window, 'concluded'),
    adopt: async (event, window, known) => take(event, window, known),
    work,
    async plan(id, plan) {
      const entry = held.get(id)
      if (entry) entry.plan = plan
    },
    async step(id, step, record) {
      const entry = held.get(id)
      if (entry) entry.steps[step] = record
    },
    async note(id, name, value) {
      const entry = held.get(id)
      if (entry) entry.notes[name] = value
    },
    async finish(id, result) {
      const entry = held.get(id)
      held.delete(id)
      if (!entry) return
      if (result === 'done') return forget(id)
      if (entry.window) windows.end(entry.window.key, entry.window.seen)
      failed.set(id, { ...entry, finished: Date.now() })
      const [oldest] = failed.keys()
      if (failed.size > FAILED && oldest !== undefined) failed.delete(oldest)
    },
    async *letters(): AsyncIterable<Letter> {},
    async delivered() {},
    async list({ state, limit }) {
      const all = [
        ...(state === undefined || state === 'unfinished'
          ? [...held.values()].map((e) => keptOf(e, 'unfinished'))
          : []),
        ...(state === undefined || state === 'failed' ? [...failed.values()].map((e) => keptOf(e, 'failed')) : []),
      ]
      return all.toSorted((a, b) => b.event.received - a.event.received).slice(0, limit)
    },
    async show(id) {
      const [open, over] = [held.get(id), failed.get(id)]
      return open ? keptOf(open, 'unfinished') : over && keptOf(over, 'failed')
    },
    async retry(id, asked) {
      const entry = failed.get(id)
      if (!entry) return false
      failed.delete(id)
      const { finished: _, ...rest } = entry
      const again: Held = { ...rest, steps: { ...stepsKept(entry.steps) }, asked }
      held.set(id, again)
      feed.push(id)
      return true
    },
    drop: async (id) => failed.delete(id),
    stats() {
      const oldest = held.values().next().value?.event.received
      return { waiting: held.size, failed: failed.size, ...(oldest !== undefined && { oldest }) }
    },
    async close() {
      feed.push(null)
      held.clear()
      failed.clear()
      done.clear()
      windows.clear()
    },
  }
}
