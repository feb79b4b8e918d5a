import type { Event } from '@talon/plugin'
import type { Entry } from '@talon/core'
import { decodeText } from './codec.ts'
import { entryOf, learn, nothing, type Claim, type Ending, type Fact, type Origin, type Progress } from './facts.ts'
import { isConflict, refusal } from './failure.ts'
import type { Lease } from './lease.ts'
import type { Link } from './link.ts'
import type { Names } from './subjects.ts'

/** Seconds that a finished event is remembered besides its history: NATS may bring it again after a crash of its own. */
export const REMEMBERED = 600

export interface HeldParts {
  readonly link: Link
  readonly names: Names
  readonly origin: Origin
  readonly raw: string
  /** Sequence in the stream of events. */
  readonly seq: number
  /** Unlike that of every other process. */
  readonly run: string
}

/** One event in this process: what is known of it, and the writing of more. */
export class Held {
  readonly origin: Origin
  readonly raw: string
  readonly seq: number
  /** Absent where nobody handed it out to this process. */
  lease: Lease | undefined
  /** How it ended, where it did. */
  ending: Ending | undefined
  progress: Progress = nothing()
  readonly #link: Link
  readonly #names: Names
  readonly #run: string
  /** Sequence of the last fact. */
  #last = 0
  #written = 0
  /** The last one to whom it was handed out, as far as is written. */
  #claim: Claim | undefined
  #queue: Promise<unknown> = Promise.resolve()

  constructor({ link, names, origin, raw, seq, run }: HeldParts) {
    this.origin = origin
    this.raw = raw
    this.seq = seq
    this.#link = link
    this.#names = names
    this.#run = run
  }

  get id(): string {
    return this.origin.id
  }

  /** Whether anything was written of it. */
  get begun(): boolean {
    return this.#last > 0
  }

  /** Reads what was written of it. */
  async read(): Promise<void> {
    this.progress = nothing()
    this.#last = 0
    this.#claim = undefined
    for await (const message of this.#link.all(this.#names.progress, this.#names.progressOf(this.id))) {
      const fact = JSON.parse(decodeText(message.data)) as Fact
      this.progress = learn(this.progress, fact)
      this.ending = fact.kind === 'over' ? fact.ending : undefined
      if (fact.kind === 'claim') this.#claim = fact
      this.#last = message.seq
    }
  }

  /**
   * Reads it, and stops whoever had it before: what that one writes is refused from now on. Where NATS says that nobody
   * had it, and nobody wrote, nothing is to be stopped.
   * @param delivery how often NATS has handed it out, with this time
   * @param endOf how it ended, by what is kept longer than its progress
   * @returns false where it was handed out to another since
   */
  async takeOver(delivery: number, endOf: () => Promise<Ending | undefined>): Promise<boolean> {
    for (;;) {
      await this.read()
      if (!this.begun) this.ending = await endOf()
      if (this.ending || (delivery === 1 && !this.begun)) return true
      if (this.#claim?.message === this.seq && this.#claim.delivery > delivery) return false
      try {
        await this.#write({ kind: 'claim', by: this.#run, message: this.seq, delivery })
        return true
      } catch (error) {
        if (!isConflict(error)) throw error
      }
    }
  }

  /**
   * Stores one fact more, after those before it. What a server writes of an event that has passed to another is dropped:
   * its lease says so, and is asked before anything is done.
   * @returns whether it is stored. @throws ActionError where NATS refuses it.
   */
  write(fact: Fact, alongside: () => readonly Promise<unknown>[] = () => []): Promise<boolean> {
    const writing = this.#queue.then(async () => {
      try {
        if (this.lease?.valid() === false) return false
        // What goes with it is on its way first: NATS stores in the order of what comes.
        await Promise.all([...alongside(), this.#write(fact)])
        this.progress = learn(this.progress, fact)
        this.ending = fact.kind === 'over' ? fact.ending : undefined
        return true
      } catch (error) {
        if (isConflict(error)) this.lease?.end('another server has it')
        if (this.lease?.valid() === false) return false
        throw refusal(error, `keep how far the event ${this.id} got`)
      }
    })
    this.#queue = writing.catch(() => {})
    return writing
  }

  entry(repeats: number, event?: Event): Entry {
    const entry = entryOf(this.origin, this.raw, this.progress, repeats)
    return event ? { ...entry, event } : entry
  }

  async #write(fact: Fact): Promise<void> {
    const whole = fact.kind === 'over' || fact.kind === 'again'
    const stored = await this.#link.insist(this.#names.progressOf(this.id), JSON.stringify(fact), {
      id: `${this.#run}.${this.id}.${this.#last}.${this.#written++}`,
      after: this.#last,
      alone: whole,
      ...(fact.kind === 'over' && { ttl: REMEMBERED }),
      ...(this.lease && { signal: this.lease.signal }),
    })
    this.#last = stored.seq
  }
}
