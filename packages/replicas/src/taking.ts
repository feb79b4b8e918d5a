import { isOver, type AdoptingJournal, type StepKey, type Window } from '@talon/core'
import type { Event } from '@talon/plugin'
import type { Copies } from './copies.ts'
import type { Term } from './election.ts'
import { eventOf, type Fate, type HandedEntry, type Peer } from './messages.ts'

export interface TakingParts {
  readonly journal: AdoptingJournal
  readonly copies: Copies
  readonly self: Peer
  readonly term: () => Term | undefined
  readonly windowOf: (event: Event) => Window
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** Note with the name of the server that took the event from Falco: what it knows of the event counts. */
export const ORIGIN = 'replicas.origin'

/** The leader's side of a hand-over: takes an entry that another server keeps, with what that one knows of it. */
export function createTaking({ journal, copies, self, term, windowOf, now }: TakingParts) {
  const originOf = (from: Peer, { notes }: HandedEntry) => notes[ORIGIN] ?? from.name

  function meet(from: Peer, entry: HandedEntry): void {
    copies.keptBy(entry.receipt.id, from.address, originOf(from, entry) === from.name ? term() : undefined)
  }

  /** One that is new here. Undefined where another message has brought it meanwhile. */
  async function adopt(from: Peer, entry: HandedEntry): Promise<Fate | undefined> {
    const { id } = entry.receipt
    const event = eventOf(entry)
    const window = windowOf(event)
    // It may have waited for a leader: repeats of then are not repeats of now. What has begun is nobody's repeat.
    const length = entry.plan ? 0 : Math.max(0, window.length - (now() - event.received))
    // Whose it is lies with it from the first: a copy that forgot that would pass for this server's own.
    const notes = { ...entry.notes, [ORIGIN]: originOf(from, entry) }
    meet(from, entry)
    const verdict = await journal.adopt(event, { ...window, length }, { ...entry, notes })
    if (verdict === 'accepted') return 'kept'
    if (verdict === 'duplicate' && (await journal.show(id))) return undefined
    copies.forget(id)
    return verdict
  }

  /** Adds what another server knows of an entry, unless this one is working on it. */
  async function learn(from: Peer, entry: HandedEntry): Promise<void> {
    const { id } = entry.receipt
    meet(from, entry)
    if (copies.open.get(id) === 'working') return
    const known = await journal.show(id)
    const writes: Promise<void>[] = []
    if (entry.plan && !known?.plan) writes.push(journal.plan(id, entry.plan))
    for (const [step, record] of Object.entries(entry.steps)) {
      const mine = known?.steps[step as StepKey]
      if (!mine || (mine.state === 'started' && isOver(record))) writes.push(journal.step(id, step as StepKey, record))
    }
    if (originOf(from, entry) !== self.name)
      for (const [name, value] of Object.entries(entry.notes))
        if (known?.notes[name] === undefined) writes.push(journal.note(id, name, value))
    await Promise.all(writes)
  }

  /** @returns what becomes of it; where it is `kept` and was known before, it may be worked on now. */
  return async function take(from: Peer, entry: HandedEntry): Promise<Fate> {
    const { id } = entry.receipt
    const known = await journal.show(id)
    if (!known) {
      const fate = await adopt(from, entry)
      if (fate) return fate
    } else if (known.state !== 'unfinished') {
      const again = known.state === 'failed' && (entry.asked ?? 0) > (known.asked ?? 0)
      if (!again || !(await journal.retry(id, entry.asked ?? 0))) return known.state
    }
    await learn(from, entry)
    return 'kept'
  }
}
