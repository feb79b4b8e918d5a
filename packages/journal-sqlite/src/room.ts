import type { DatabaseSync } from 'node:sqlite'
import { pragma } from './database.ts'
import type { Tally } from './tally.ts'

/** Entries that are forgotten at once. */
const PRUNED = 100
/** Free pages that are worth giving back to the file system, and how many at once: two megabytes. */
const SLACK = 256
/** Bytes that an event takes besides its text, about. */
const ENTRY = 600

/** The room that the file takes: finished entries make way, and nothing else does. */
export class Room {
  readonly #tally: Tally
  readonly #pageSize: number
  readonly #pages
  readonly #free
  readonly #oldest
  readonly #forget
  readonly #vacuum
  /** Bytes, reckoned since they were last counted. */
  #reckoned = Number.POSITIVE_INFINITY

  constructor(db: DatabaseSync, tally: Tally) {
    this.#tally = tally
    this.#pageSize = pragma(db, 'page_size')
    this.#pages = db.prepare('PRAGMA page_count')
    this.#free = db.prepare('PRAGMA freelist_count')
    this.#oldest = db.prepare('SELECT seq, finished FROM entries WHERE state = ? ORDER BY turn LIMIT ' + String(PRUNED))
    this.#forget = ['entries', 'bodies', 'facts'].map((table) => db.prepare(`DELETE FROM ${table} WHERE seq = ?`))
    this.#vacuum = db.prepare(`PRAGMA incremental_vacuum(${SLACK})`)
  }

  get bytes(): number {
    return Number(this.#pages.get()?.['page_count']) * this.#pageSize
  }

  get #unused(): number {
    return Number(this.#free.get()?.['freelist_count'])
  }

  /** Whether an event of this length fits into so many bytes, once finished entries have made way. */
  fits(length: number, bytes: number): boolean {
    this.#reckoned += length + ENTRY
    if (this.#reckoned <= bytes) return true
    do this.#reckoned = this.bytes - this.#unused * this.#pageSize + length + ENTRY
    while (this.#reckoned > bytes && (this.#prune(1) || this.#prune(2)))
    return this.#reckoned <= bytes
  }

  /** What is counted anew, since it was rolled back. */
  recount(): void {
    this.#reckoned = Number.POSITIVE_INFINITY
  }

  forget(seq: number): void {
    for (const statement of this.#forget) statement.run(seq)
  }

  /** Forgets what is older than it is kept, a little at a time, and gives the room back. */
  tidy(at: number, keep: number): void {
    this.#prune(1, at - keep)
    this.#prune(2, at - keep)
    if (this.#unused > SLACK) this.#vacuum.all()
  }

  /** @returns whether there was one. */
  #prune(state: number, before = Number.POSITIVE_INFINITY): boolean {
    const old = this.#oldest.all(state).filter(({ finished }) => Number(finished) <= before)
    for (const { seq } of old) this.forget(Number(seq))
    if (state === 2) this.#tally.failed -= old.length
    return old.length > 0
  }
}
