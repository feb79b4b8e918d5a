import type { JsMsg } from '@nats-io/jetstream'
import type { Tenure } from '@talon/core'
import type { Link } from './link.ts'

/** Says that the work goes on. https://docs.nats.io/nats-concepts/jetstream/consumers#acknowledgment-types */
const WORKING = '+WPI'
const DONE = '+ACK'

/**
 * This server's right to an entry: what NATS handed out, as long as NATS hears of it. It goes by the clock of this
 * process: it ends as long after the last word that NATS has answered was SENT as NATS waits for the next after it came.
 */
export class Lease implements Pick<Tenure, 'signal' | 'valid'> {
  readonly #link: Link
  readonly #message: JsMsg
  readonly #length: number
  readonly #now: () => number
  readonly #ended = new AbortController()
  #until: number

  constructor(link: Link, message: JsMsg, length: number, now: () => number) {
    this.#link = link
    this.#message = message
    this.#length = length
    this.#now = now
    this.#until = now() + length
  }

  get signal(): AbortSignal {
    return this.#ended.signal
  }

  valid(): boolean {
    if (this.#now() >= this.#until) this.end('NATS has not heard of it in time')
    return !this.#ended.signal.aborted
  }

  /** It has passed to another server. */
  end(why: string): void {
    if (!this.#ended.signal.aborted) this.#ended.abort(new Error(`this server works on the event no more: ${why}`))
  }

  /** Asks for more time. One that has ended stays so: NATS would answer all the same. */
  async extend(): Promise<void> {
    if (!this.valid()) return
    const sent = this.#now()
    const answered = await this.#say(WORKING).catch(() => false)
    if (answered && this.valid()) this.#until = sent + this.#length
  }

  /** The event is finished: NATS forgets it. */
  async done(): Promise<void> {
    await this.#link.again(() => this.#say(DONE), this.signal)
  }

  /** Gives it to whoever wants it, after a while. */
  giveBack(milliseconds: number): void {
    this.#message.nak(milliseconds)
    this.end('it was given back')
  }

  async #say(word: string): Promise<boolean> {
    const reply = 'reply' in this.#message && typeof this.#message.reply === 'string' ? this.#message.reply : ''
    await this.#link.connection.request(reply, word, { timeout: Math.min(1_500, this.#length / 2) })
    return true
  }
}
