import { setTimeout as sleep } from 'node:timers/promises'
import type { JsMsg } from '@nats-io/jetstream'
import type { Work } from '@talon/core'
import { PRIORITIES, type Logger } from '@talon/plugin'
import { isNotFound } from './failure.ts'
import type { Link } from './link.ts'
import { LANES, type Lane, type Names } from './subjects.ts'

/** Entries of one lane that this process works on at most: the rest is left to other servers. */
const PLACES = 256
/** Messages asked for at once, milliseconds that NATS waits for some, and more that an answer may take. */
const BATCH = 64
const EXPIRES = 10_000
const GRACE = 5_000
/** Milliseconds before the next try after one that failed. */
const PAUSE = 250

export interface Taken {
  readonly work: Work
  /** Sequence in the stream of events. */
  readonly seq: number
}

export interface IntakeParts {
  readonly link: Link
  readonly names: Names
  /** What lies in the stream up to here was left by earlier runs. */
  readonly last: number
  /** Undefined where there is nothing to do; `leave` is to be called once this process works on it no more. */
  readonly take: (message: JsMsg, leave: () => void) => Promise<Taken | undefined>
  /** Makes again what events are handed out by, where somebody removed it. */
  readonly repair: () => Promise<void>
  readonly log: Logger
}

interface Queue {
  readonly ready: Work[]
  taken: number
  wake: () => void
}

const newQueue = (): Queue => ({ ready: [], taken: 0, wake: () => {} })

/** Takes from both lanes what there is a place for, and hands it on, the urgent first. */
export class Intake {
  readonly #parts: IntakeParts
  readonly #queues: Readonly<Record<Lane, Queue>> = { urgent: newQueue(), other: newQueue() }
  readonly #closing = new AbortController()
  readonly #pumps: Promise<void>[] = []
  #wake = () => {}

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  async *work(): AsyncGenerator<Work> {
    const { signal } = this.#closing
    if (!this.#pumps.length) {
      this.#pumps.push(Promise.resolve())
      yield* await this.#backlog()
      for (const lane of LANES) this.#pumps.push(this.#pump(lane))
    }
    while (!signal.aborted) {
      const next = this.#queues.urgent.ready.shift() ?? this.#queues.other.ready.shift()
      if (next) yield next
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Takes no more. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake()
    for (const { wake } of Object.values(this.#queues)) wake()
    await Promise.all(this.#pumps)
  }

  /** What earlier runs left comes first, as much as there is a place for, the most urgent of it before the rest. */
  async #backlog(): Promise<Work[]> {
    const { link, names, last, log } = this.#parts
    const found: Taken[] = []
    const taking = LANES.map(async (lane) => {
      const { num_pending: waiting } = await link.jsm.consumers.info(names.events, lane)
      if (waiting) await this.#pull(lane, Math.min(PLACES, waiting), 1_000, (taken) => found.push(taken))
    })
    // What was taken before it failed is this process's, and nobody else gets it; the rest comes as what is new does.
    for (const one of await Promise.allSettled(taking))
      if (one.status === 'rejected') log.debug('NATS handed out less than there is', { error: String(one.reason) })
    const rank = ({ work, seq }: Taken) => (seq > last ? 0 : 1 + PRIORITIES.indexOf(work.entry.event.priority))
    return found.toSorted((a, b) => rank(b) - rank(a) || a.seq - b.seq).map(({ work }) => work)
  }

  async #pump(lane: Lane): Promise<void> {
    const queue = this.#queues[lane]
    const { signal } = this.#closing
    while (!signal.aborted) {
      const free = PLACES - queue.taken
      if (free <= 0) await new Promise<void>((resolve) => (queue.wake = resolve))
      else
        try {
          await this.#pull(lane, Math.min(free, BATCH), EXPIRES, ({ work }) => {
            queue.ready.push(work)
            this.#wake()
          })
        } catch (error) {
          if (signal.aborted) return
          const { log, repair } = this.#parts
          log.debug('NATS hands out nothing, trying again', { lane, error: String(error) })
          if (isNotFound(error))
            await repair().catch((error: unknown) => {
              log.error('NATS has nothing more to hand events out by', { lane, error: String(error) })
            })
          await sleep(PAUSE, undefined, { signal }).catch(() => {})
        }
    }
  }

  /** Reads beside each other, hands on in order. */
  async #pull(lane: Lane, count: number, expires: number, push: (taken: Taken) => void): Promise<void> {
    const { link, take, log } = this.#parts
    const { signal } = this.#closing
    await link.ready()
    const consumer = await this.#consumer(lane)
    const messages = await consumer.fetch({ max_messages: count, expires })
    const stop = () => messages.stop()
    signal.addEventListener('abort', stop)
    const late = setTimeout(stop, expires + GRACE)
    let before: Promise<void> = Promise.resolve()
    try {
      for await (const message of messages) {
        const taking = take(message, this.#place(lane)).catch((error: unknown) => {
          log.warn('an event could not be taken: it is handed out again', { error: String(error) })
          return undefined
        })
        before = before.then(async () => {
          const taken = await taking
          if (taken) push(taken)
        })
      }
    } finally {
      clearTimeout(late)
      signal.removeEventListener('abort', stop)
      await before
    }
  }

  /** Takes a place. @returns what gives it back, once. */
  #place(lane: Lane): () => void {
    const queue = this.#queues[lane]
    queue.taken++
    let held = true
    return () => {
      if (!held) return
      held = false
      queue.taken--
      queue.wake()
    }
  }

  #consumer(lane: Lane) {
    const { link, names } = this.#parts
    return link.js.consumers.get(names.events, lane)
  }
}
