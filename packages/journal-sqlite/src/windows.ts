import type { DatabaseSync } from 'node:sqlite'

/** An open window of deduplication, and the entry that began it. */
export interface OpenWindow {
  readonly seq: number
  /** On the clock of `at`. */
  readonly until: number
}

/**
 * The open windows. Each lies with its entry in the database too, from where a start takes them; in memory they cost no
 * page of the log for each event. What a transaction changed that failed is taken back.
 */
export class Windows {
  readonly #open = new Map<string, OpenWindow>()
  #before: [key: string, window: OpenWindow | undefined][] = []

  /** Those of an earlier run. The clock may have been set back meanwhile: no window is longer than it was meant to be. */
  load(db: DatabaseSync, at: number): void {
    db.prepare('UPDATE entries SET until = ? + length WHERE until > ? + length').run(at, at)
    const rows = db.prepare('SELECT key, seq, until FROM entries WHERE until > ? ORDER BY until').iterate(at)
    for (const { key, seq, until } of rows) this.#open.set(String(key), { seq: Number(seq), until: Number(until) })
  }

  find(key: string, at: number): OpenWindow | undefined {
    const window = this.#open.get(key)
    return window && window.until > at ? window : undefined
  }

  set(key: string, window: OpenWindow): void {
    this.#before.push([key, this.#open.get(key)])
    this.#open.set(key, window)
  }

  /** Ends the window that this entry began. */
  end(key: string, seq: number): void {
    const window = this.#open.get(key)
    if (window?.seq !== seq) return
    this.#before.push([key, window])
    this.#open.delete(key)
  }

  /** What changed before is kept. */
  keep(): void {
    this.#before = []
  }

  /** What changed since `keep` did not happen. */
  undo(): void {
    for (const [key, window] of this.#before.toReversed())
      if (window) this.#open.set(key, window)
      else this.#open.delete(key)
    this.#before = []
  }

  /** Forgets those that are over, and the oldest where there are too many. */
  sweep(at: number, max: number): void {
    for (const [key, { until }] of this.#open) if (until <= at || this.#open.size > max) this.#open.delete(key)
  }
}
