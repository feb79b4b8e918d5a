/** What a piece of work is to the lanes. */
export interface Ticket {
  /** What it changes: work with the same lane runs one at a time. Work that only observes has none. */
  readonly lane?: string
  /** 0 for Debug up to 7 for Emergency. */
  readonly urgency: number
}

export interface LanesOptions {
  /** How many run at once. */
  readonly concurrency: number
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number
}

/** One priority is worth this much waiting, in milliseconds: so the most urgent goes first, and nothing starves. */
const WORTH = 10_000

/** Of all places, the part that work without a lane may take: a flood of captures leaves room to act. */
const OBSERVING = 0.75

interface Waiting extends Ticket {
  readonly order: number
  readonly start: () => void
  readonly cancel: (reason: unknown) => void
}

/** Lets work pass: one at a time in a lane, lanes side by side, the most urgent first, so many at once. */
export class Lanes {
  readonly #concurrency: number
  readonly #observers: number
  readonly #now: () => number
  /** Work that may start as soon as there is a place: the best last, so that taking it is cheap. */
  readonly #acting: Waiting[] = []
  readonly #observing: Waiting[] = []
  /** Lanes that are taken, with the work that waits for them. */
  readonly #taken = new Map<string, Waiting[]>()
  #running = 0
  #runningObservers = 0

  constructor({ concurrency, now }: LanesOptions) {
    this.#concurrency = concurrency
    this.#observers = Math.max(1, Math.floor(concurrency * OBSERVING))
    this.#now = now
  }

  /** How many wait. */
  get waiting(): number {
    let count = this.#acting.length + this.#observing.length
    for (const queue of this.#taken.values()) count += queue.length
    return count
  }

  /** Runs `work` when its turn comes; rejects where `signal` aborts before that. */
  async run<T>(ticket: Ticket, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(ticket, signal)
    try {
      return await work()
    } finally {
      this.#leave(ticket)
    }
  }

  #turn(ticket: Ticket, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const onAbort = () => waiting.cancel(signal.reason)
      let over = false
      const waiting: Waiting = {
        ...ticket,
        order: this.#now() - ticket.urgency * WORTH,
        start: () => {
          signal.removeEventListener('abort', onAbort)
          // Cancelled work keeps its turn for a moment, so that taking turns stays cheap, and gives it back here.
          if (over) this.#leave(ticket)
          else resolve()
        },
        cancel: (reason) => {
          over = true
          reject(reason)
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#enqueue(waiting)
      this.#next()
    })
  }

  #enqueue(waiting: Waiting): void {
    if (waiting.lane === undefined) return insert(this.#observing, waiting)
    const queue = this.#taken.get(waiting.lane)
    if (queue) return insert(queue, waiting)
    this.#taken.set(waiting.lane, [])
    insert(this.#acting, waiting)
  }

  #next(): void {
    while (this.#running < this.#concurrency) {
      const next = this.#best()
      if (!next) return
      this.#running++
      if (next.lane === undefined) this.#runningObservers++
      next.start()
    }
  }

  #best(): Waiting | undefined {
    const acting = this.#acting.at(-1)
    const observing = this.#runningObservers < this.#observers ? this.#observing.at(-1) : undefined
    if (!acting || (observing && observing.order < acting.order)) return observing && this.#observing.pop()
    return this.#acting.pop()
  }

  #leave({ lane }: Ticket): void {
    this.#running--
    if (lane === undefined) this.#runningObservers--
    else {
      const next = this.#taken.get(lane)?.pop()
      if (next) insert(this.#acting, next)
      else this.#taken.delete(lane)
    }
    this.#next()
  }
}

/** Keeps `queue` sorted, the lowest order last; of equals, the first come goes first. */
function insert(queue: Waiting[], waiting: Waiting): void {
  let low = 0
  let high = queue.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (queue[middle]!.order > waiting.order) low = middle + 1
    else high = middle
  }
  queue.splice(low, 0, waiting)
}
