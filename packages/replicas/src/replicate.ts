import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AdoptingJournal, Entry, Journal, KeptEntry, Window, Work } from '@talon/core'
import type { Event, Logger } from '@talon/plugin'
import { Copies } from './copies.ts'
import type { Election, Term } from './election.ts'
import type { Link } from './link.ts'
import { createHanding } from './handing.ts'
import type { Answer, Message, Peer, Progress } from './messages.ts'
import { Outbox } from './outbox.ts'
import { createTaking, ORIGIN } from './taking.ts'

export interface ReplicateOptions {
  /** This server's own journal. */
  readonly journal: AdoptingJournal
  readonly election: Election
  readonly link: Link
  /** This server's name, the same after a restart, and where it takes messages. */
  readonly self: Peer
  /** Which events are one: the leader asks it of those that others hand over. */
  readonly windowOf: (event: Event) => Window
  readonly log: Logger
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Milliseconds that a new leader waits for the first keeper of an entry that it only has a copy of. */
  readonly grace?: number
  /** Milliseconds after which a handed entry is handed over again: the leader may have failed to tell how it went on. */
  readonly remind?: number
}

/** A journal whose work is one leader's. */
export interface Replica extends Journal {
  /** Takes a message that another server sent. */
  receive(message: Message): Promise<Answer>
  /** Events of this server that another one works on, and those that wait for a leader. */
  hands(): { readonly leading: boolean; readonly handed: number; readonly pending: number }
}

/** Milliseconds between tries, and for the hand-over at the end. */
const PAUSE = 500
const FAREWELL = 5000
const GRACE = 15_000
const REMIND = 60_000

/**
 * Makes one journal of several servers'. Each answers Falco from its own; the leader works, and the others hand their
 * entries over, and keep each until the leader says that it is finished. The leader tells them of each step, so that
 * its successor, who gets the entries from them, knows where to go on.
 */
export function replicate(options: ReplicateOptions): Replica {
  const { journal, election, link, self, windowOf, log, now, grace = GRACE, remind = REMIND } = options
  const closing = new AbortController()
  const feed = new Readable({ objectMode: true, read() {} })
  const outbox = new Outbox(link, log, closing.signal)
  const copies = new Copies()
  const { open } = copies
  const { signal } = closing
  const handing = createHanding({
    copies,
    election,
    link,
    self,
    show,
    log,
    signal,
    finish: (...end) => journal.finish(...end),
  })
  const take = createTaking({ journal, copies, self, windowOf, now, term: () => election.current().term })

  let remembered = new Set<string>()
  const reminding = setInterval(() => {
    const waiting = copies.in('handed')
    for (const id of waiting) if (remembered.has(id)) open.set(id, 'idle')
    remembered = new Set(waiting)
    void hand()
  }, remind).unref()

  election.onChange(routeAll)
  const pumping = (async () => {
    for await (const { entry } of journal.work()) {
      const { id } = entry.event
      open.set(id, 'idle')
      void route(id, entry)
    }
    feed.push(null)
  })().catch((error: unknown) => feed.destroy(error instanceof Error ? error : new Error(String(error))))

  /** Gives an entry to who works on it now. */
  async function route(id: string, known?: Entry): Promise<void> {
    const { term } = election.current()
    if (!term) return void hand()
    const entry = known ?? (await show(id))
    if (!entry || open.get(id) === 'working') return
    const uncertain = !isOwn(entry) && !copies.isConfirmed(id, term)
    if (uncertain && !(await waited(term))) return
    // Another keeper may have told more of it meanwhile.
    const latest = uncertain ? await show(id) : entry
    if (!latest || !open.has(id) || open.get(id) === 'working' || !term.valid()) return
    open.set(id, 'working')
    feed.push({
      entry: uncertain ? { ...latest, uncertain } : latest,
      tenure: { ...tenureOf(term), release: () => released(id, term) },
    } satisfies Work)
  }

  /** What cannot be read now is read later: nobody else would ask for the entry again. Undefined at the end, too. */
  async function show(id: string): Promise<KeptEntry | undefined> {
    for (;;)
      try {
        return await journal.show(id)
      } catch (error) {
        if (closing.signal.aborted) return undefined
        log.warn('the journal cannot be read now: the event waits', { event: id, error: String(error) })
        await sleep(PAUSE, undefined, { signal: closing.signal }).catch(() => {})
      }
  }

  const isOwn = ({ notes }: Entry) => (notes[ORIGIN] ?? self.name) === self.name

  /**
   * A copy may be older than what another leader did meanwhile: its first keeper knows that. Where that one does not
   * come, because it is lost, the copy is all there is, and what may not run twice is not run.
   */
  async function waited(term: Term): Promise<boolean> {
    const signal = AbortSignal.any([term.signal, closing.signal])
    return sleep(grace, true, { signal, ref: false }).catch(() => false)
  }

  /** Where the term has ended meanwhile, the entry goes to whoever leads now. */
  function released(id: string, term: Term): void {
    if (!open.has(id)) return
    open.set(id, 'idle')
    if (!term.valid()) void route(id)
  }

  function routeAll(): void {
    for (const id of copies.in('handed')) open.set(id, 'idle')
    if (election.current().term) workAll()
    else void hand()
  }

  function workAll(): void {
    for (const id of copies.in('idle')) void route(id)
  }

  async function hand(): Promise<void> {
    await handing()
    // The leadership may have come while a message was on its way.
    if (election.current().term) workAll()
  }

  /** Tells the keepers of an entry; resolves once all know it, or were given up. */
  async function tell(item: Progress): Promise<void> {
    await Promise.all(copies.keepers(item.id).map((keeper) => outbox.tell(keeper, item)))
  }

  /** What the leader tells of an entry that this server keeps. */
  async function note(item: Progress): Promise<void> {
    // Who leads knows better than who led before.
    if (open.get(item.id) === 'working' && election.current().term) return
    if (item.kind === 'plan') return journal.plan(item.id, item.plan)
    if (item.kind === 'step') return journal.step(item.id, item.step, item.record)
    if (item.kind === 'note') return journal.note(item.id, item.name, item.value)
    copies.forget(item.id)
    return journal.finish(item.id, item.result)
  }

  return {
    ...journal,
    work: () => feed as AsyncIterable<Work>,
    async plan(id, plan) {
      await journal.plan(id, plan)
      void tell({ id, kind: 'plan', plan })
    },
    async step(id, step, record, letters) {
      await journal.step(id, step, record, letters)
      const told = tell({ id, kind: 'step', step, record: elsewhere(record) })
      // What may not run twice runs only once its mark is where a successor would look.
      if (record.state === 'started') await told
    },
    async note(id, name, value) {
      await journal.note(id, name, value)
      void tell({ id, kind: 'note', name, value })
    },
    async finish(id, result) {
      await journal.finish(id, result)
      void tell({ id, kind: 'finish', result })
      copies.forget(id)
    },
    async receive(message) {
      if (message.kind === 'progress') {
        // In one go: what lies on disk before the answer takes one wait for it, and keeps its order.
        await Promise.all(message.items.map(note))
        return { ok: true }
      }
      if (!election.current().term) return { error: 'not_leader' }
      const fates = await Promise.all(message.entries.map((entry) => take(message.from, entry)))
      for (const [index, fate] of fates.entries()) {
        const id = message.entries[index]?.receipt.id ?? ''
        // What is new comes out of the journal by itself.
        if (fate === 'kept' && open.get(id) === 'idle') void route(id)
      }
      return { fates }
    },
    hands: () => ({
      leading: election.current().term !== undefined,
      handed: copies.in('handed').length,
      pending: copies.in('idle').length,
    }),
    async close() {
      await election.release()
      // Where nobody else is there, nobody takes the lease.
      const ended = performance.now()
      const patience = () => (election.current().leader ? FAREWELL : FAREWELL / 2)
      while (copies.in('idle', 1).length && performance.now() - ended < patience()) await sleep(PAUSE / 5)
      closing.abort()
      clearInterval(reminding)
      await election.close()
      await journal.close()
      feed.push(null)
      await pumping
    },
  }
}

/** An artifact lies on the disk of the server that collected it: another one collects it again. */
function elsewhere({ collected, ...record }: Parameters<Journal['step']>[2]) {
  return collected ? { ...record, state: 'started' as const } : record
}

const tenureOf = (term: Term) => ({ signal: term.signal, valid: () => term.valid() })
