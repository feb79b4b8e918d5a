import { PRIORITIES, type Event } from '@talon/plugin'
import type { Entry, Work } from '@talon/core'
import type { Operations, Range, Row } from './operations.ts'

/** Entries read at once. */
const PAGE = 100
/** Events that were just accepted and are handed on from memory; what comes on top of them is read back from disk. */
const FRESH = 1_000

interface Fresh {
  readonly turn: number
  /** Absent where it is to be read: it was retried. */
  readonly event?: Event
}

export interface FeedOptions {
  /** The last turn of an earlier run. */
  readonly last: number
  readonly page: (range: Range) => Promise<Operations['page']['answer']>
  /** Undefined where the row cannot be read any more, and was put aside. */
  readonly read: (row: Row) => Promise<Entry | undefined>
}

/** Hands out what is to be done, each entry once, and holds no more than a page and a bounded queue of it. */
export class Feed {
  readonly #options: FeedOptions
  #fresh: Fresh[] = []
  /** Some that were accepted are not in the queue: they are read from disk. */
  #behind = false
  #cursor: number
  #wake = () => {}
  #closed = false

  constructor(options: FeedOptions) {
    this.#options = options
    this.#cursor = options.last
  }

  /** In the order of turns. */
  push(turn: number, event?: Event): void {
    if (this.#behind || this.#fresh.length >= FRESH) this.#behind = true
    else this.#fresh.push({ turn, ...(event && { event }) })
    this.#wake()
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  async *work(): AsyncGenerator<Work> {
    yield* this.#earlier()
    while (!this.#closed) {
      const next = this.#fresh.shift()
      if (next) yield* this.#one(next)
      else if (this.#behind) yield* this.#catchUp()
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** What an earlier run left: the most urgent first, then the oldest. */
  async *#earlier(): AsyncGenerator<Work> {
    for (let urgency = PRIORITIES.length - 1; urgency >= 0; urgency--) {
      let after = 0
      for (let full = true; full && !this.#closed;) {
        const rows = await this.#options.page({ after, upTo: this.#options.last, urgency, limit: PAGE })
        yield* this.#all(rows)
        after = rows.at(-1)?.turn ?? after
        full = rows.length === PAGE
      }
    }
  }

  async *#one({ turn, event }: Fresh): AsyncGenerator<Work> {
    if (turn <= this.#cursor) return
    this.#cursor = turn
    if (event) yield { entry: { event, steps: {}, notes: {}, repeats: 0 } }
    else yield* this.#all(await this.#options.page({ after: turn - 1, upTo: turn, limit: 1 }))
  }

  /** What is accepted while the page is read goes to the queue again; what lies in both is known by its turn. */
  async *#catchUp(): AsyncGenerator<Work> {
    this.#behind = false
    const rows = await this.#options.page({ after: this.#cursor, upTo: Number.MAX_SAFE_INTEGER, limit: PAGE })
    if (rows.length === PAGE) {
      this.#fresh = []
      this.#behind = true
    }
    this.#cursor = rows.at(-1)?.turn ?? this.#cursor
    yield* this.#all(rows)
  }

  async *#all(rows: readonly Row[]): AsyncGenerator<Work> {
    for (const row of rows) {
      if (this.#closed) return
      const entry = await this.#options.read(row)
      if (entry) yield { entry }
    }
  }
}
