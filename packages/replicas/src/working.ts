import type { Entry, KeptEntry, Work } from '@talon/core'
import type { Copies } from './copies.ts'
import type { Election, Term } from './election.ts'
import type { Peer } from './messages.ts'
import { ORIGIN } from './taking.ts'

export interface WorkingParts {
  readonly copies: Copies
  readonly election: Election
  readonly self: Peer
  /** Undefined where there is no such entry. */
  readonly show: (id: string) => Promise<KeptEntry | undefined>
  /** Milliseconds that the first keeper of an entry is waited for, where this server only has a copy. */
  readonly grace: number
  /** Told where something is idle that is not this server's to work on any more. */
  readonly onIdle: () => void
  readonly signal: AbortSignal
}

/** Entries that are read at once. */
const PAGE = 100
/** Entries that were just accepted and are worked on as they came; what comes on top of them is read back. */
const FRESH = 1000

/** The leader's side of the work: gives out what is idle, a page at a time, as it is asked for. */
export function createWorking({ copies, election, self, show, grace, onIdle, signal }: WorkingParts) {
  /** Accepted a moment ago by this process: nobody else can know more of them. */
  const fresh = new Map<string, Entry | undefined>()
  /** When the grace of an entry is over in this term, by `performance.now()`. All are as long: the first ends first. */
  const graces = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let fault: unknown

  const isOwn = ({ notes }: Entry) => (notes[ORIGIN] ?? self.name) === self.name

  async function* work(): AsyncGenerator<Work> {
    while (!signal.aborted) {
      if (fault) throw fault
      const { term } = election.current()
      const ids = term ? copies.in('idle', PAGE) : []
      if (!term || !ids.length) {
        await copies.changed()
        continue
      }
      const page = (await Promise.all(ids.map((id) => take(id, term)))).flat()
      try {
        while (page.length && term.valid()) yield page.shift()!
      } finally {
        for (const { tenure } of page) tenure?.release()
      }
    }
  }

  /** None where it may not be worked on now. */
  async function take(id: string, term: Term): Promise<Work[]> {
    const entry = fresh.get(id) ?? (await show(id))
    fresh.delete(id)
    // Meanwhile it may have been finished, or the term may have ended.
    if (copies.at(id) !== 'idle' || !term.valid()) return []
    if (!entry || ('state' in entry && entry.state !== 'unfinished')) {
      copies.forget(id)
      return []
    }
    const uncertain = !isOwn(entry) && !copies.isConfirmed(id, term)
    if (uncertain && !graceIsOver(id)) return []
    graces.delete(id)
    copies.move(id, 'working')
    const tenure = { signal: term.signal, valid: () => term.valid(), release: () => released(id, term) }
    return [{ entry: uncertain ? { ...entry, uncertain } : entry, tenure }]
  }

  /**
   * A copy may be older than what another leader did meanwhile: its first keeper knows that. Where that one does not
   * come, because it is lost, the copy is all there is, and what may not run twice is not run.
   */
  function graceIsOver(id: string): boolean {
    const until = graces.get(id) ?? performance.now() + grace
    if (until <= performance.now()) return true
    graces.set(id, until)
    copies.move(id, 'waiting')
    timer ??= setTimeout(endGraces, grace).unref()
    return false
  }

  function endGraces(): void {
    timer = undefined
    for (const id of copies.in('waiting')) {
      const left = (graces.get(id) ?? 0) - performance.now()
      if (left > 0) {
        timer = setTimeout(endGraces, left).unref()
        break
      }
      copies.move(id, 'idle')
    }
  }

  /** What was not finished goes to whoever leads next. */
  function released(id: string, term: Term): void {
    if (copies.at(id) !== 'working') return
    copies.move(id, term.valid() ? 'left' : 'idle')
    if (!term.valid()) onIdle()
  }

  return {
    work,
    /** The leadership has changed: everything begins anew. */
    reset(): void {
      graces.clear()
      fresh.clear()
      clearTimeout(timer)
      timer = undefined
      copies.wake()
      for (const place of ['handed', 'waiting', 'left'] as const)
        for (const id of copies.in(place)) copies.move(id, 'idle')
    },
    /** No more will come. */
    fail(error: unknown): void {
      fault = error
      copies.wake()
    },
    /** This process is about to accept it. */
    announce(id: string): void {
      if (fresh.size < FRESH) fresh.set(id, undefined)
    },
    /** It was not accepted. */
    withdraw: (id: string) => void fresh.delete(id),
    /** It came out of the journal. */
    come(entry: Entry): void {
      const { id } = entry.event
      if (!election.current().term) fresh.delete(id)
      else if (fresh.has(id)) fresh.set(id, entry)
      copies.come(id)
    },
  }
}
