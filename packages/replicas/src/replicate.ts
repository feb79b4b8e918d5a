import { setTimeout as sleep } from 'node:timers/promises'
import type { AdoptingJournal, Journal, KeptEntry, Window } from '@talon/core'
import type { Event, Logger } from '@talon/plugin'
import { Copies } from './copies.ts'
import type { Election } from './election.ts'
import type { Link } from './link.ts'
import { createHanding } from './handing.ts'
import { isProgress, type Answer, type Happening, type Message, type Peer, type Progress } from './messages.ts'
import { createNoting } from './noting.ts'
import { Outbox } from './outbox.ts'
import { createTaking } from './taking.ts'
import { createWorking } from './working.ts'

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
/** Entries that a leader takes out of its journal ahead of its work. */
const AHEAD = 1000

/**
 * Makes one journal of several servers'. Each answers Falco from its own; the leader works, and the others hand their
 * entries over, and keep each until the leader says that it is finished. The leader tells them of each step, so that
 * its successor, who gets the entries from them, knows where to go on.
 */
export function replicate(options: ReplicateOptions): Replica {
  const { journal, election, link, self, windowOf, log, now, grace = GRACE, remind = REMIND } = options
  const closing = new AbortController()
  const { signal } = closing
  const outbox = new Outbox(link, log, signal)
  const copies = new Copies()
  const finish: Journal['finish'] = (...end) => journal.finish(...end)
  const hand = createHanding({ copies, election, link, self, show, finish, log, now, signal })
  const working = createWorking({ copies, election, self, show, grace, onIdle: handOver, signal })
  const take = createTaking({ journal, copies, self, windowOf, log, term: () => election.current().term })
  const note = createNoting({ journal, copies, election })
  /** The last term of this server, or the one that it has. */
  let turn = 0

  let remembered = new Set<string>()
  const reminding = setInterval(() => {
    const waiting = copies.in('handed')
    for (const id of waiting) if (remembered.has(id)) copies.move(id, 'idle')
    remembered = new Set(waiting)
    handOver()
  }, remind).unref()

  election.onChange(() => {
    turn = election.current().term?.turn ?? turn
    working.reset()
    handOver()
  })
  const pumping = (async () => {
    for await (const { entry } of journal.work()) {
      working.come(entry)
      handOver()
      while (election.current().term && copies.count('idle') >= AHEAD && !signal.aborted) await copies.changed()
    }
  })().catch((error: unknown) => working.fail(error))

  function handOver(): void {
    if (!election.current().term) void hand()
  }

  /** What cannot be read now is read later: nobody else would ask for the entry again. Undefined at the end, too. */
  async function show(id: string): Promise<KeptEntry | undefined> {
    for (;;)
      try {
        return await journal.show(id)
      } catch (error) {
        if (signal.aborted) return undefined
        log.warn('the journal cannot be read now: the event waits', { event: id, error: String(error) })
        await sleep(PAUSE, undefined, { signal }).catch(() => {})
      }
  }

  /** Tells the keepers of an entry; resolves once all know it, or were given up. */
  async function tell(id: string, happening: Happening): Promise<void> {
    const item: Progress = { id, turn, ...happening }
    await Promise.all(copies.keepers(id).map((keeper) => outbox.tell(keeper, item)))
  }

  async function until(what: () => boolean, patience: () => number): Promise<void> {
    const began = performance.now()
    while (!what() && performance.now() - began < patience()) await sleep(PAUSE / 10)
  }

  return {
    ...journal,
    async accept(event, window) {
      working.announce(event.id)
      const verdict = await journal.accept(event, window).catch((error: unknown) => {
        working.withdraw(event.id)
        throw error
      })
      if (verdict !== 'accepted') working.withdraw(event.id)
      return verdict
    },
    work: () => working.work(),
    async plan(id, plan) {
      await journal.plan(id, plan)
      void tell(id, { kind: 'plan', plan })
    },
    async step(id, step, record, letters) {
      await journal.step(id, step, record, letters)
      const told = tell(id, { kind: 'step', step, record: elsewhere(record) })
      // What may not run twice runs only once its mark is where a successor would look.
      if (record.state === 'started') await told
    },
    async note(id, name, value) {
      await journal.note(id, name, value)
      void tell(id, { kind: 'note', name, value })
    },
    async finish(id, result) {
      await journal.finish(id, result)
      void tell(id, { kind: 'finish', result })
      copies.forget(id)
    },
    async receive(message) {
      if (message.kind === 'progress') {
        // In one go: what lies on disk before the answer takes one wait for it, and keeps its order.
        await Promise.all(message.items.filter(isProgress).map(note))
        return { ok: true }
      }
      if (!election.current().term) return { error: 'not_leader' }
      return { fates: await Promise.all(message.entries.map((entry) => take(message.from, entry))) }
    },
    hands: () => ({
      leading: election.current().term !== undefined,
      handed: copies.count('handed'),
      pending: copies.count('idle'),
    }),
    async close() {
      // Whoever leads next asks the keepers, so they know all first.
      await until(
        () => outbox.empty,
        () => FAREWELL / 4,
      )
      await election.release()
      await until(
        () => copies.count('idle') === 0,
        // Where nobody else is there, nobody takes the lease.
        () => (election.current().leader ? FAREWELL : FAREWELL / 2),
      )
      closing.abort()
      copies.wake()
      clearInterval(reminding)
      await election.close()
      await journal.close()
      await pumping
    },
  }
}

/** An artifact lies on the disk of the server that collected it: another one collects it again. */
function elsewhere({ collected, ...record }: Parameters<Journal['step']>[2]) {
  return collected ? { ...record, state: 'started' as const } : record
}
