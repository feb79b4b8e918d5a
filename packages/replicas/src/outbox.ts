import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@talon/plugin'
import type { Link } from './link.ts'
import { FILL, type Progress } from './messages.ts'

/** Items that wait for one server at most, and how many go at once. */
const BOUND = 20_000
const BATCH = 200
/** Milliseconds of failing after which nobody waits for a server any more, and after which it is given up. */
const WAIT = 25_000
const PATIENCE = 30_000
const PAUSE = 300

interface Waiting {
  readonly item: Progress
  readonly sent: () => void
}

interface Box {
  items: Waiting[]
  sending: boolean
}

/**
 * Tells other servers how the entries go on that they handed over, in order. What cannot be told for long is dropped:
 * a server that comes back hands its entries over again, and learns it from the answer.
 */
export class Outbox {
  readonly #link: Link
  readonly #log: Logger
  readonly #signal: AbortSignal
  readonly #boxes = new Map<string, Box>()

  constructor(link: Link, log: Logger, signal: AbortSignal) {
    this.#link = link
    this.#log = log
    this.#signal = signal
  }

  /** Whether all that was to be told is told, or given up. */
  get empty(): boolean {
    return this.#boxes.size === 0
  }

  /** Resolves once it was told, or the server could not be reached for a while: it is tried on, then. */
  tell(address: string, item: Progress): Promise<void> {
    const box = this.#boxes.get(address) ?? { items: [], sending: false }
    this.#boxes.set(address, box)
    return new Promise((resolve) => {
      box.items.push({ item, sent: resolve })
      if (box.items.length > BOUND) drop(box.items)
      if (!box.sending) void this.#send(address, box)
    })
  }

  async #send(address: string, box: Box): Promise<void> {
    box.sending = true
    let failing: number | undefined
    while (box.items.length) {
      const batch = fill(box.items)
      try {
        await this.#link(address, { kind: 'progress', items: batch.map(({ item }) => item) }, this.#signal)
        failing = undefined
      } catch (error) {
        failing ??= performance.now()
        const given = this.#signal.aborted || performance.now() - failing > PATIENCE
        if (performance.now() - failing > WAIT) for (const { sent } of box.items) sent()
        if (!given) {
          await sleep(PAUSE, undefined, { signal: this.#signal }).catch(() => {})
          continue
        }
        this.#log.warn('a server could not be told how its events went on', {
          address,
          events: box.items.length,
          error: String(error),
        })
        batch.push(...box.items.slice(batch.length))
      }
      box.items.splice(0, batch.length)
      for (const { sent } of batch) sent()
    }
    box.sending = false
    this.#boxes.delete(address)
  }
}

/** The first ones, as many as fit a message. */
function fill(items: readonly Waiting[]): Waiting[] {
  const batch: Waiting[] = []
  let size = 0
  for (const waiting of items.slice(0, BATCH)) {
    size += Buffer.byteLength(JSON.stringify(waiting.item))
    if (batch.length && size > FILL) break
    batch.push(waiting)
  }
  return batch
}

const isMark = ({ item }: Waiting) => item.kind === 'step' && item.record.state === 'started'

/** Drops one that nobody waits for, where there is one: a step that may not run twice would run unmarked. */
function drop(items: Waiting[]): void {
  // The first ones may be on their way.
  const place = items.findIndex((waiting, index) => index >= BATCH && !isMark(waiting))
  for (const { sent } of items.splice(place < 0 ? BATCH : place, 1)) sent()
}
