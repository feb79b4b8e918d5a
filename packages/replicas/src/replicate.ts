import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { isOver, type Entry, type Journal, type KeptEntry, type StepKey, type Window, type Work } from '@talon/core'
import type { Event, Logger } from '@talon/plugin'
import type { Election, Term } from './election.ts'
import type { Link } from './link.ts'
import { eventOf, handed, type Answer, type Fate, type HandedEntry, type Message, type Progress } from './messages.ts'
import { Outbox } from './outbox.ts'

export interface ReplicateOptions {
  /** This server's own journal. */
  readonly journal: Journal
  readonly election: Election
  readonly link: Link
  /** This server's name, the same after a restart, and where it takes messages. */
  readonly self: { readonly name: string; readonly address: string }
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

/** Entries in one message at most, and characters: the door of the other side takes so much. */
const BATCH = 100
const CHARACTERS = 4_000_000
/** Milliseconds between tries, and for the hand-over at the end. */
const PAUSE = 500
const FAREWELL = 5000
const GRACE = 15_000
const REMIND = 60_000

/** Note with the name of the server that took the event from Falco: what it knows of the event counts. */
const ORIGIN = 'replicas.origin'

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
  /** What this journal holds unfinished: who works on it. */
  const open = new Map<string, 'idle' | 'working' | 'handed'>()
  /** Servers that handed an entry to this one. */
  const keepers = new Map<string, Set<string>>()
  /** Entries that are being written into this journal. */
  const arriving = new Map<string, Promise<void>>()
  /** Copies whose first keeper spoke in this term, by the term. */
  const confirmed = new Map<string, Term>()
  let handing = false

  let remembered = new Set<string>()
  const reminding = setInterval(() => {
    const waiting = [...open].flatMap(([id, state]) => (state === 'handed' ? [id] : []))
    for (const id of waiting) if (remembered.has(id)) open.set(id, 'idle')
    remembered = new Set(waiting)
    void hand()
  }, remind).unref()

  election.onChange(routeAll)
  const pumping = (async () => {
    for await (const { entry } of journal.work()) {
      const { id } = entry.event
      await arriving.get(id)
      open.set(id, 'idle')
      void route(id, entry)
    }
    feed.push(null)
  })().catch((error: unknown) => feed.destroy(error instanceof Error ? error : new Error(String(error))))

  /** Gives an entry to who works on it now. */
  async function route(id: string, known?: Entry): Promise<void> {
    const { term } = election.current()
    if (!term) return void hand()
    const entry = keepers.has(id) || !known ? await show(id) : known
    if (!entry || open.get(id) === 'working') return
    const uncertain = !isOwn(entry) && confirmed.get(id) !== term
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
    for (const [id, state] of open) if (state === 'handed') open.set(id, 'idle')
    if (election.current().term) workAll()
    else void hand()
  }

  function workAll(): void {
    for (const [id, state] of open) if (state === 'idle') void route(id)
  }

  /** Hands over what is idle, as long as there is a leader to take it. */
  async function hand(): Promise<void> {
    if (handing) return
    handing = true
    try {
      for (let left = idle(); left.length && !closing.signal.aborted; left = idle()) {
        const { leader, term } = election.current()
        if (term) break
        if (!leader || !(await handTo(leader.address, left)))
          await sleep(PAUSE, undefined, { signal: closing.signal }).catch(() => {})
      }
    } finally {
      handing = false
    }
    // The leadership may have come while a message was on its way.
    if (election.current().term) workAll()
  }

  const idle = () => {
    const ids: string[] = []
    for (const [id, state] of open) {
      if (state === 'idle') ids.push(id)
      if (ids.length >= BATCH) break
    }
    return ids
  }

  /** @returns whether the leader took any of them. */
  async function handTo(leader: string, ids: readonly string[]): Promise<boolean> {
    const entries: HandedEntry[] = []
    let size = 0
    const found = await Promise.all(ids.map(async (id) => [id, await show(id)] as const))
    for (const [id, entry] of found) {
      if (entry?.state !== 'unfinished') open.delete(id)
      else if (size === 0 || size + entry.event.raw.length < CHARACTERS) {
        size += entry.event.raw.length
        entries.push(handed(entry))
      }
    }
    if (!entries.length) return true
    try {
      const answer = await link(leader, { kind: 'entries', from: self, entries }, closing.signal)
      if (!('fates' in answer)) return false
      // Who took them may lead no more by now: then they go to whoever does.
      const current = election.current().leader?.address === leader
      const settling = answer.fates.map(async (fate, index) => {
        if (current || fate !== 'kept') await settle(entries[index]!.receipt.id, fate)
      })
      await Promise.all(settling)
      return answer.fates.some((fate) => fate !== 'full')
    } catch (error) {
      log.debug('events could not be handed to the leader', { leader, error: String(error) })
      return false
    }
  }

  async function settle(id: string, fate: Fate): Promise<void> {
    if (fate === 'full' || !open.has(id)) return
    if (fate === 'kept') return void open.set(id, 'handed')
    forget(id)
    await journal.finish(id, fate === 'failed' ? 'failed' : 'done')
  }

  /** The leader's side of a hand-over. */
  async function take(from: (typeof options)['self'], entry: HandedEntry): Promise<Fate> {
    const { id } = entry.receipt
    const known = await journal.show(id)
    const again = known?.state === 'failed' && (entry.asked ?? 0) > (known.asked ?? 0)
    if (known && known.state !== 'unfinished' && !again) return known.state
    if (again) await journal.retry(id, entry.asked ?? 0)
    if (!known) {
      const event = eventOf(entry)
      const window = windowOf(event)
      // It may have waited for a leader: repeats of then are not repeats of now. What has begun is nobody's repeat.
      const length = entry.plan ? 0 : Math.max(0, window.length - (now() - event.received))
      const { promise, resolve } = Promise.withResolvers<void>()
      arriving.set(id, promise)
      try {
        const verdict = await journal.accept(event, { ...window, length })
        if (verdict === 'duplicate' && !(await journal.show(id))) return 'duplicate'
        if (verdict === 'full') return 'full'
        await learn(from, entry)
        return 'kept'
      } finally {
        arriving.delete(id)
        resolve()
      }
    }
    await learn(from, entry)
    void route(id)
    return 'kept'
  }

  /** Adds what another server knows of an entry, unless this one is working on it. */
  async function learn({ name: from, address }: (typeof options)['self'], entry: HandedEntry): Promise<void> {
    const { id } = entry.receipt
    const addresses = keepers.get(id) ?? new Set()
    keepers.set(id, addresses.add(address))
    const { term } = election.current()
    const origin = entry.notes[ORIGIN] ?? from
    if (open.get(id) !== 'working') {
      const known = await journal.show(id)
      const writes: Promise<void>[] = []
      if (entry.plan && !known?.plan) writes.push(journal.plan(id, entry.plan))
      for (const [step, record] of Object.entries(entry.steps)) {
        const mine = known?.steps[step as StepKey]
        if (!mine || (mine.state === 'started' && isOver(record)))
          writes.push(journal.step(id, step as StepKey, record))
      }
      for (const [name, value] of Object.entries({ ...entry.notes, [ORIGIN]: origin }))
        if (known?.notes[name] === undefined && origin !== self.name) writes.push(journal.note(id, name, value))
      await Promise.all(writes)
    }
    if (origin === from && term) confirmed.set(id, term)
  }

  function forget(id: string): void {
    open.delete(id)
    keepers.delete(id)
    confirmed.delete(id)
  }

  /** Tells the keepers of an entry; resolves once all know it, or were given up. */
  async function tell(item: Progress): Promise<void> {
    await Promise.all([...(keepers.get(item.id) ?? [])].map((keeper) => outbox.tell(keeper, item)))
  }

  /** What the leader tells of an entry that this server keeps. */
  async function note(item: Progress): Promise<void> {
    // Who leads knows better than who led before.
    if (open.get(item.id) === 'working' && election.current().term) return
    if (item.kind === 'plan') return journal.plan(item.id, item.plan)
    if (item.kind === 'step') return journal.step(item.id, item.step, item.record)
    if (item.kind === 'note') return journal.note(item.id, item.name, item.value)
    forget(item.id)
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
      forget(id)
    },
    async receive(message) {
      if (message.kind === 'progress') {
        // In one go: what lies on disk before the answer takes one wait for it, and keeps its order.
        await Promise.all(message.items.map(note))
        return { ok: true }
      }
      if (!election.current().term) return { error: 'not_leader' }
      return { fates: await Promise.all(message.entries.map((entry) => take(message.from, entry))) }
    },
    hands() {
      let [handed, pending] = [0, 0]
      for (const state of open.values()) {
        if (state === 'handed') handed++
        if (state === 'idle') pending++
      }
      return { leading: election.current().term !== undefined, handed, pending }
    },
    async close() {
      await election.release()
      // Where nobody else is there, nobody takes the lease.
      const ended = performance.now()
      const patience = () => (election.current().leader ? FAREWELL : FAREWELL / 2)
      while (idle().length && performance.now() - ended < patience()) await sleep(PAUSE / 5)
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
