import type { AdoptingJournal, Window } from '@talon/core'
import { TalonError, type Event, type Logger } from '@talon/plugin'
import type { Copies } from './copies.ts'
import type { Term } from './election.ts'
import { merge } from './merge.ts'
import { eventOf, isEntry, type Fate, type HandedEntry, type Peer } from './messages.ts'

export interface TakingParts {
  readonly journal: AdoptingJournal
  readonly copies: Copies
  readonly self: Peer
  readonly term: () => Term | undefined
  readonly windowOf: (event: Event) => Window
  readonly log: Logger
}

/** Note with the name of the server that took the event from Falco: what it knows of the event counts. */
export const ORIGIN = 'replicas.origin'

/** The leader's side of a hand-over: takes an entry that another server keeps, with what that one knows of it. */
export function createTaking({ journal, copies, self, term, windowOf, log }: TakingParts) {
  const originOf = (from: Peer, { notes }: HandedEntry) => notes[ORIGIN] ?? from.name

  /** Once what it knows is in the journal: before, the entry would be worked on without it. */
  function confirm(from: Peer, entry: HandedEntry): void {
    if (originOf(from, entry) === from.name) copies.confirm(entry.receipt.id, term())
  }

  /** One that is new here. Undefined where another message has brought it meanwhile. */
  async function adopt(from: Peer, entry: HandedEntry): Promise<Fate | undefined> {
    const { id } = entry.receipt
    const event = eventOf(entry)
    const window = windowOf(event)
    // It may have waited for a leader: repeats of then are not repeats of now. What has begun is nobody's repeat.
    const length = entry.plan ? 0 : Math.max(0, window.length - entry.waited)
    // Whose it is lies with it from the first: a copy that forgot that would pass for this server's own.
    const notes = { ...entry.notes, [ORIGIN]: originOf(from, entry) }
    copies.keptBy(id, from)
    const verdict = await journal.adopt(event, { ...window, length }, { ...entry, notes })
    if (verdict === 'duplicate' && (await journal.show(id))) return undefined
    if (verdict !== 'accepted') {
      copies.forget(id)
      return verdict
    }
    confirm(from, entry)
    // The journal gives it, too, one by one: what many servers hand over would wait for that.
    copies.come(id)
    return 'kept'
  }

  /** Adds what another server knows of an entry, unless this one is working on it. */
  async function learn(from: Peer, entry: HandedEntry): Promise<void> {
    const { id } = entry.receipt
    copies.keptBy(id, from)
    if (copies.at(id) !== 'working') {
      const known = await journal.show(id)
      // What this server took itself has notes of its own.
      const notes = originOf(from, entry) === self.name ? {} : entry.notes
      if (known) await merge(journal, known, { ...entry, notes })
    }
    confirm(from, entry)
  }

  async function take(from: Peer, entry: HandedEntry): Promise<Fate> {
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
    if (copies.at(id) === 'left') copies.move(id, 'idle')
    return 'kept'
  }

  /** What becomes of it; one that cannot be taken says nothing of the others. */
  return async function fateOf(from: Peer, entry: HandedEntry): Promise<Fate> {
    try {
      if (isEntry(entry)) return await take(from, entry)
      log.error('what another server hands over is no event of this version: it fails there', { from: from.name })
      return 'unreadable'
    } catch (error) {
      const event = entry.receipt.id
      const unreadable = TalonError.is(error) && error.kind === 'event'
      if (unreadable)
        log.error('an event that another server hands over cannot be read: it fails there', {
          ...{ event, from: from.name, error: error.message },
        })
      else log.warn('an event cannot be taken over now: it stays where it is', { event, error: String(error) })
      return unreadable ? 'unreadable' : 'full'
    }
  }
}
