import type { Window } from '@talon/core'
import { isConflict } from './failure.ts'
import type { Link } from './link.ts'
import type { Names } from './subjects.ts'

/** What stands in NATS for a key. */
interface Record {
  /** Of the event that it began with. */
  readonly id: string
  /** Epoch milliseconds. */
  readonly until: number
  readonly repeats: number
  /** Known to have been accepted: absent where its server may have died in between. */
  readonly sure?: boolean
}

/**
 * `begun`: the event is the first. `repeat`: another is. `unsure`: another one began it, and may not have been accepted.
 * `free`: nothing stands in the way, and nothing was begun.
 */
export interface Found {
  readonly kind: 'begun' | 'repeat' | 'unsure' | 'free'
  /** Of the event that the window began with. */
  readonly id: string
}

/** Repeats of one window that are not written yet. */
interface Unwritten {
  readonly id: string
  repeats: number
  until: number
}

/** Milliseconds that repeats are counted before they are written. */
const LATE = 200
/** Keys whose window is known to have begun with an accepted event. */
const SURE = 20_000
const TRIES = 5

/**
 * The windows of deduplication, shared by all servers. JetStream's own (`duplicate_window`) are of one length for a
 * stream and cannot be ended, so they only keep an event from being stored twice.
 */
export class Windows {
  readonly #link: Link
  readonly #names: Names
  readonly #now: () => number
  readonly #sure = new Map<string, string>()
  readonly #unwritten = new Map<string, Unwritten>()
  #writing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(link: Link, names: Names, now: () => number) {
    this.#link = link
    this.#names = names
    this.#now = now
  }

  /** Begins the key's window where none is open; where `look`, it only looks. */
  async begin(window: Window, id: string, look: boolean): Promise<Found> {
    const { key, length } = window
    if (length <= 0) return { kind: 'free', id }
    let known = look || this.#sure.has(key) ? await this.#read(key) : undefined
    for (let tried = 0; tried < TRIES; tried++) {
      const now = this.#now()
      if (known && this.#until(key, known) > now) return this.#repeat(window, known)
      if (look) return { kind: 'free', id }
      const record: Record = { id, until: now + length, repeats: 0 }
      try {
        await this.#write(key, record, known?.seq ?? 0)
        return { kind: 'begun', id }
      } catch (error) {
        if (!isConflict(error)) throw error
        known = await this.#read(key)
      }
    }
    return { kind: 'free', id }
  }

  /** The event that the window began with was accepted. */
  confirm(key: string, id: string): void {
    this.#sure.delete(key)
    this.#sure.set(key, id)
    const [oldest] = this.#sure.keys()
    if (this.#sure.size > SURE && oldest !== undefined) this.#sure.delete(oldest)
  }

  /** Counts a repeat of an event that was found to be accepted. */
  count(window: Window, id: string): void {
    const { key, length, sliding } = window
    const counted = this.#unwritten.get(key)
    const entry = counted?.id === id ? counted : { id, repeats: 0, until: 0 }
    entry.repeats++
    if (sliding) entry.until = this.#now() + length
    this.#unwritten.set(key, entry)
    this.#timer ??= setTimeout(() => void this.flush(), LATE).unref()
  }

  /** The window that another event began is this one's: that one was never accepted. */
  async inherit(key: string, from: string, to: string): Promise<void> {
    await this.#change(key, from, (record) => ({ ...record, id: to, sure: true }))
  }

  /** Ends the window that the event began: the next of its key is no repeat. */
  async end(key: string, id: string): Promise<void> {
    if (this.#sure.get(key) === id) this.#sure.delete(key)
    await this.#change(key, id, (record) => ({ ...record, until: 0 }))
  }

  /** How many repeats the event's window has suppressed. */
  async repeats(key: string, id: string): Promise<number> {
    await this.flush()
    const known = await this.#read(key)
    return known?.id === id ? known.repeats : 0
  }

  /** Writes what was counted. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writing.then(async () => {
      const counted = [...this.#unwritten]
      await Promise.all(
        counted.map(async ([key, { id, repeats, until }]) => {
          await this.#change(key, id, (record) => ({
            ...record,
            ...{ repeats: record.repeats + repeats, until: Math.max(record.until, until), sure: true },
          })).catch(() => {
            // A count that is lost is a count; the window stands as it was.
          })
          const entry = this.#unwritten.get(key)
          if (entry?.id === id) {
            entry.repeats -= repeats
            if (entry.repeats <= 0) this.#unwritten.delete(key)
          }
        }),
      )
    })
    return this.#writing
  }

  #repeat(window: Window, known: Record): Found {
    const sure = known.sure === true || this.#sure.get(window.key) === known.id
    if (!sure) return { kind: 'unsure', id: known.id }
    this.count(window, known.id)
    return { kind: 'repeat', id: known.id }
  }

  #until(key: string, { id, until }: Record): number {
    const unwritten = this.#unwritten.get(key)
    return until > 0 && unwritten?.id === id ? Math.max(until, unwritten.until) : until
  }

  async #read(key: string): Promise<(Record & { readonly seq: number }) | undefined> {
    const message = await this.#link.last(this.#names.state, this.#names.windowOf(key))
    return message && { ...message.json<Record>(), seq: message.seq }
  }

  async #write(key: string, record: Record, after: number): Promise<void> {
    await this.#link.put(this.#names.windowOf(key), JSON.stringify(record), { after })
  }

  async #change(key: string, id: string, change: (record: Record) => Record): Promise<void> {
    for (let tried = 0; tried < TRIES; tried++) {
      const known = await this.#read(key)
      if (known?.id !== id) return
      const { seq, ...record } = known
      try {
        return await this.#write(key, change(record), seq)
      } catch (error) {
        if (!isConflict(error)) throw error
      }
    }
  }
}
