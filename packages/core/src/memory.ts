import type { Event, Status } from '@talon/plugin'
import type { Entry, Journal, StepKey, StepState, Verdict, Window } from './journal.ts'
import type { Plan } from './plan.ts'
import { Windows } from './windows.ts'

/** How many unfinished events it holds, and the clock that windows go by. */
export interface MemoryJournalOptions {
  readonly maxEvents: number
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number
}

interface Held {
  readonly event: Event
  readonly key: string
  readonly steps: Record<StepKey, StepState>
  readonly notes: Record<string, string>
  plan?: Plan
}

/** Of a journal's room, the part that is kept for events of priority Critical and above. */
const RESERVE = 0.1

const urgent = new Set(['Critical', 'Alert', 'Emergency'])

/** The journal of those who asked for memory, and of tests. What it holds is lost with the process. */
export function memoryJournal({ maxEvents, now }: MemoryJournalOptions): Journal {
  const held = new Map<string, Held>()
  const windows = new Windows(maxEvents)

  return {
    async accept(event: Event, { key, length, sliding }: Window): Promise<Verdict> {
      const time = now()
      const first = windows.find(key, time)
      if (first) {
        first.repeats++
        if (sliding) windows.extend(first, time + length)
        return 'duplicate'
      }
      const room = urgent.has(event.priority) ? maxEvents : Math.floor(maxEvents * (1 - RESERVE))
      if (held.size >= room) return 'full'
      if (length > 0) windows.begin(key, time + length)
      held.set(event.id, { event, key, steps: {}, notes: {} })
      return 'accepted'
    },
    async plan(id, plan) {
      const entry = held.get(id)
      if (entry) entry.plan = plan
    },
    async started(id, step) {
      const entry = held.get(id)
      if (entry) entry.steps[step] = 'started'
    },
    async finished(id, step: StepKey, status: Status) {
      const entry = held.get(id)
      if (entry) entry.steps[step] = status
    },
    async note(id, name, value) {
      const entry = held.get(id)
      if (entry) entry.notes[name] = value
    },
    async finish(id, result) {
      const entry = held.get(id)
      if (entry && result === 'failed') windows.end(entry.key)
      held.delete(id)
    },
    async *unfinished() {
      for (const { key, ...entry } of held.values()) yield { ...entry, repeats: windows.repeats(key) } satisfies Entry
    },
    stats() {
      const oldest = held.values().next().value?.event.received
      return { waiting: held.size, ...(oldest !== undefined && { oldest }) }
    },
    async close() {
      held.clear()
      windows.clear()
    },
  }
}
