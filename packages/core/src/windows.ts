/** One window of deduplication. */
export interface Seen {
  /** When it is over, on the clock of the journal. */
  until: number
  repeats: number
  /** Whether `until` moved since the window was queued. */
  extended: boolean
}

interface Begun {
  readonly key: string
  readonly seen: Seen
}

/** Records that are passed are dropped together once there are so many of them. */
const COMPACT = 4_096

/**
 * The windows that are open, so many at most: beyond that the oldest ends early. They lie in a queue besides, since a
 * Map that is read from its front while that is deleted walks over all that was there.
 */
export class Windows {
  readonly #seen = new Map<string, Seen>()
  readonly #max: number
  #queue: Begun[] = []
  #head = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#seen.size
  }

  /** The key's open window. */
  find(key: string, time: number): Seen | undefined {
    this.#forget(time)
    const seen = this.#seen.get(key)
    return seen && seen.until > time ? seen : undefined
  }

  begin(key: string, until: number): Seen {
    const seen = { until, repeats: 0, extended: false }
    this.#seen.set(key, seen)
    this.#queue.push({ key, seen })
    return seen
  }

  extend(seen: Seen, until: number): void {
    seen.until = until
    seen.extended = true
  }

  /** Ends this window, and no newer one of its key. */
  end(key: string, seen: Seen): void {
    if (this.#seen.get(key) === seen) this.#seen.delete(key)
  }

  clear(): void {
    this.#seen.clear()
    this.#queue = []
    this.#head = 0
  }

  #forget(time: number): void {
    for (let begun = this.#queue[this.#head]; begun; begun = this.#queue[this.#head]) {
      const { key, seen } = begun
      const current = this.#seen.get(key) === seen
      const crowded = this.#seen.size > this.#max
      if (current && seen.until > time && !crowded) {
        if (!seen.extended) break
        // It was extended since it began: it queues again, behind those that began meanwhile.
        seen.extended = false
        this.#queue.push(begun)
      } else if (current) this.#seen.delete(key)
      this.#head++
    }
    if (this.#head < COMPACT || this.#head * 2 < this.#queue.length) return
    this.#queue = this.#queue.slice(this.#head)
    this.#head = 0
  }
}
