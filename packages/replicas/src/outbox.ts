import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@talon/plugin'
import type { Link } from './link.ts'
import type { Progress } from './messages.ts'

/** Items that wait for one server at most, and how many go at once. */
const BOUND = 20_000
const BATCH = 200
/** Milliseconds of failing after which nobody waits for a server any more, and after which it is given up. */
const WAIT = 25_000
const PATIENCE = 30_000
const PAUSE = 300

interface Box {
  items: { readonly item: Progress; readonly sent: () => void }[]
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

  /** Resolves once it was told, or the server could not be reached for a while: it is tried on, then. */
  tell(address: string, item: Progress): Promise<void> {
    const box = this.#boxes.get(address) ?? { items: [], sending: false }
    this.#boxes.set(address, box)
    return new Promise((resolve) => {
      box.items.push({ item, sent: resolve })
      // The first ones may be on their way.
      if (box.items.length > BOUND) box.items.splice(BATCH, 1)[0]?.sent()
      if (!box.sending) void this.#send(address, box)
    })
  }

  async #send(address: string, box: Box): Promise<void> {
    box.sending = true
    let failing = 0
    while (box.items.length) {
      const batch = box.items.slice(0, BATCH)
      try {
        await this.#link(address, { kind: 'progress', items: batch.map(({ item }) => item) }, this.#signal)
        failing = 0
      } catch (error) {
        failing ||= performance.now()
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
