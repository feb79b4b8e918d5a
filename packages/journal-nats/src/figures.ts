import type { Event } from '@talon/plugin'
import { roomFor, type JournalStats } from '@talon/core'
import type { Link } from './link.ts'
import { readOrigin } from './origin.ts'
import type { Names } from './subjects.ts'

/** Milliseconds between two looks at the streams. */
const LOOK = 1_000
/** Looks in a row that may be thrown away because something was stored meanwhile. */
const PATIENCE = 3

/** How much there is: what NATS said last, and what this server did since. */
export class Figures {
  readonly #link: Link
  readonly #names: Names
  readonly #room: { readonly maxEvents: number; readonly maxBytes: number }
  /** Events that this server accepted since the last look, and between that and the one before, with their times of receipt. */
  #own = new Map<string, number>()
  #older = new Map<string, number>()
  #waiting = 0
  #failed = 0
  #queued = 0
  #bytes = 0
  #oldest: { readonly id: string; readonly received: number } | undefined
  #changes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(link: Link, names: Names, room: { readonly maxEvents: number; readonly maxBytes: number }) {
    this.#link = link
    this.#names = names
    this.#room = room
  }

  async begin(): Promise<void> {
    await this.#look(0)
    let thrown = 0
    const next = async () => {
      const looked = await this.#look(thrown).catch(() => true)
      thrown = looked ? 0 : thrown + 1
      this.#timer = setTimeout(() => void next(), LOOK).unref()
    }
    this.#timer = setTimeout(() => void next(), LOOK).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  hasRoom(event: Event): boolean {
    const { maxEvents, maxBytes } = this.#room
    return this.#waiting < roomFor(event, maxEvents) && this.#queued + event.raw.length <= roomFor(event, maxBytes / 2)
  }

  accepted({ id, received, raw }: Event): void {
    this.#changes++
    this.#waiting++
    this.#queued += raw.length
    this.#own.set(id, received)
  }

  /** NATS says that there is no room: the figures are behind. */
  full(): void {
    this.#waiting = Math.max(this.#waiting, this.#room.maxEvents)
  }

  finished(id: string, failed: boolean): void {
    this.#changes++
    this.#waiting = Math.max(0, this.#waiting - 1)
    if (failed) this.#failed++
    this.#own.delete(id)
    this.#older.delete(id)
    if (this.#oldest?.id === id) this.#oldest = undefined
  }

  begunAgain(id: string, received: number): void {
    this.#changes++
    this.#failed = Math.max(0, this.#failed - 1)
    this.#waiting++
    this.#own.set(id, received)
  }

  forgotten(failed: boolean): void {
    this.#changes++
    if (failed) this.#failed = Math.max(0, this.#failed - 1)
  }

  stats(): JournalStats {
    const first = [this.#oldest?.received, this.#older.values().next().value, this.#own.values().next().value]
    const oldest = first.find((received) => received !== undefined)
    return {
      waiting: this.#waiting,
      failed: this.#failed,
      bytes: this.#bytes,
      ...(oldest !== undefined && this.#waiting > 0 && { oldest }),
    }
  }

  /** @returns whether it counts. */
  async #look(thrown: number): Promise<boolean> {
    const before = this.#changes
    const { events, progress, done, failed, state } = this.#names
    const { jsm } = this.#link
    const [queue, dead, ...rest] = await Promise.all(
      [events, failed, progress, done, state].map((name) => jsm.streams.info(name)),
    )
    if (!queue || !dead) return false
    const first = queue.state.messages ? await this.#link.at(events, queue.state.first_seq) : undefined
    if (this.#changes !== before && thrown < PATIENCE) return false
    this.#waiting = queue.state.messages
    this.#queued = queue.state.bytes
    this.#failed = dead.state.messages
    this.#bytes = [queue, dead, ...rest].reduce((sum, { state }) => sum + state.bytes, 0)
    const origin = first && readOrigin(first.header)
    this.#oldest = origin && { id: origin.id, received: origin.received }
    this.#older = this.#own
    this.#own = new Map()
    return true
  }
}
