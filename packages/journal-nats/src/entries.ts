import type { JsMsg, StoredMsg } from '@nats-io/jetstream'
import { ActionError, TalonError, type Event, type Logger } from '@talon/plugin'
import { readText } from './codec.ts'
import type { Ending } from './facts.ts'
import type { Figures } from './figures.ts'
import { Held, REMEMBERED } from './held.ts'
import type { History } from './history.ts'
import type { Taken } from './intake.ts'
import { Lease } from './lease.ts'
import type { Link } from './link.ts'
import { readOrigin } from './origin.ts'
import type { Names } from './subjects.ts'
import type { Windows } from './windows.ts'

export interface EntriesParts {
  readonly link: Link
  readonly names: Names
  readonly windows: Windows
  readonly figures: Figures
  readonly history: History
  readonly run: string
  /** Milliseconds. */
  readonly lease: number
  readonly now: () => number
  readonly monotonic: () => number
  readonly log: Logger
}

/** Events that this server accepted and nobody has taken: they need not be read again. */
const FRESH = 2_000
/** Events that passed to others, and that this server must not write of again. */
const PASSED = 10_000
/** Milliseconds until what this server gave back, or still holds, is handed out again. */
const BACK = 5_000
const BUSY = 1_000

/** The events that this process works on. */
export class Entries {
  readonly #parts: EntriesParts
  readonly #held = new Map<string, Held>()
  readonly #opening = new Map<string, Promise<Held | undefined>>()
  readonly #fresh = new Map<string, Event>()
  readonly #passed = new Set<string>()
  readonly #beating: NodeJS.Timeout
  #closing = false

  constructor(parts: EntriesParts) {
    this.#parts = parts
    this.#beating = setInterval(() => this.#beat(), parts.lease / 5).unref()
  }

  /** This server accepted it a moment ago. */
  accepted(event: Event): void {
    this.#fresh.set(event.id, event)
    const [oldest] = this.#fresh.keys()
    if (this.#fresh.size > FRESH && oldest !== undefined) this.#fresh.delete(oldest)
  }

  /** What NATS hands out; undefined where there is nothing left to do. `leave` is told once nothing works on it here. */
  async take(message: JsMsg, leave: () => void): Promise<Taken | undefined> {
    const { link, windows, monotonic, lease: length, log } = this.#parts
    const origin = readOrigin(message.headers)
    const raw = readText(message.data)
    if (!origin || raw === undefined) {
      log.error('a message in the queue of events is none of Talon: it is thrown away', { subject: message.subject })
      message.term('no event of Talon')
      leave()
      return undefined
    }
    const { id, key } = origin
    const known = this.#held.get(id)
    if (known?.lease) {
      // It comes back because this process stalled: what works on it here ends first.
      message.nak(BUSY)
      leave()
      return undefined
    }
    const held = known ?? this.#heldOf(origin, raw, message.seq)
    const lease = new Lease(link, message, length, monotonic)
    held.lease = lease
    this.#held.set(id, held)
    this.#passed.delete(id)
    const release = () => {
      leave()
      if (this.#held.get(id) === held) this.#pass(held)
    }
    try {
      const first = message.info.deliveryCount === 1
      const fresh = first && !known ? this.#fresh.get(id) : undefined
      this.#fresh.delete(id)
      if (!fresh && !known && !(await held.takeOver(message.info.deliveryCount, () => this.#endOf(message, id)))) {
        // It came late: NATS has handed it out again meanwhile, and who has it goes on.
        lease.end('another server has it')
        release()
        return undefined
      }
      if (held.ending) {
        await this.#complete(held, held.ending)
        leave()
        return undefined
      }
      const repeats = fresh ? 0 : await windows.repeats(key, id)
      const work = {
        entry: held.entry(repeats, fresh),
        tenure: { signal: lease.signal, valid: () => lease.valid(), release },
      }
      return { work, seq: message.seq }
    } catch (error) {
      if (TalonError.is(error) && error.kind === 'event') {
        log.error('an event in the journal cannot be read any more, it counts as failed', { id, raw: held.raw })
        await this.finish(id, 'failed').finally(leave)
        return undefined
      }
      release()
      throw error
    }
  }

  /** The event in this process. Undefined where there is none that is not finished. @throws ActionError where it is another's. */
  async open(id: string): Promise<Held | undefined> {
    const held = this.#held.get(id)
    if (held) return held
    if (this.#passed.has(id)) throw new ActionError(`another server has the event ${id} now`)
    const opening = this.#opening.get(id) ?? this.#find(id).finally(() => this.#opening.delete(id))
    this.#opening.set(id, opening)
    return opening
  }

  async finish(id: string, state: Ending['state']): Promise<void> {
    const held = await this.open(id)
    if (!held || held.ending) return
    const { origin, raw, progress } = held
    const ending: Ending = { ...progress, origin, raw, state, finished: this.#parts.now(), repeats: 0 }
    // Of what sets nothing off, nothing would be done twice.
    const nothing = !held.begun && state === 'done'
    if (!nothing && !(await held.write({ kind: 'over', ending }))) return
    held.ending = ending
    await this.#complete(held, ending)
  }

  /** Reads an event that another process may have. */
  async read(message: StoredMsg): Promise<Held | undefined> {
    const origin = readOrigin(message.header)
    const raw = readText(message.data)
    if (!origin || raw === undefined) return undefined
    const known = this.#held.get(origin.id)
    if (known) return known
    const held = this.#heldOf(origin, raw, message.seq)
    await held.read()
    return held
  }

  /** The message of an event that is not finished. */
  async message(id: string): Promise<StoredMsg | undefined> {
    const { link, names } = this.#parts
    return link.last(names.events, names.eventOf('*', id))
  }

  /** Gives back all that it has. */
  close(): void {
    this.#closing = true
    clearInterval(this.#beating)
    for (const held of this.#held.values()) this.#pass(held)
  }

  #heldOf(origin: Held['origin'], raw: string, seq: number): Held {
    const { link, names, run } = this.#parts
    return new Held({ link, names, origin, raw, seq, run })
  }

  async #find(id: string): Promise<Held | undefined> {
    const message = await this.message(id)
    const held = message && (await this.read(message))
    if (!held || held.ending) return undefined
    this.#held.set(id, held)
    return held
  }

  /** How it ended, where that is so long ago that its progress is forgotten, and NATS brings it again. */
  async #endOf({ time }: JsMsg, id: string): Promise<Ending | undefined> {
    const { history, now } = this.#parts
    // Half of it: clocks differ.
    return now() - time.getTime() > (REMEMBERED * 1000) / 2 ? history.get(id) : undefined
  }

  /** What follows from the end is done again by whoever takes it, where it did not come so far. */
  async #complete(held: Held, ending: Ending): Promise<void> {
    const { link, names, history, windows, figures } = this.#parts
    const { id, key } = held.origin
    const failed = ending.state === 'failed'
    await Promise.all([history.add(ending), failed && link.again(() => windows.end(key, id))])
    if (held.lease) await held.lease.done()
    else await link.again(() => link.jsm.streams.deleteMessage(names.events, held.seq, false))
    this.#held.delete(id)
    figures.finished(id, failed)
  }

  /** It is this process's no more. */
  #pass(held: Held): void {
    const { lease, id } = held
    this.#held.delete(id)
    if (!lease) return
    this.#passed.add(id)
    const [oldest] = this.#passed
    if (this.#passed.size > PASSED && oldest !== undefined) this.#passed.delete(oldest)
    if (lease.valid()) lease.giveBack(this.#closing ? 0 : BACK)
  }

  #beat(): void {
    for (const { lease } of this.#held.values()) void lease?.extend()
  }
}
