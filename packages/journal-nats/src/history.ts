import { stepsKept, type EntryState, type KeptEntry } from '@talon/core'
import { TalonError } from '@talon/plugin'
import type { StoredMsg } from '@nats-io/jetstream'
import { decodeText } from './codec.ts'
import { keptOf, type Ending } from './facts.ts'
import type { Link } from './link.ts'
import type { Names } from './subjects.ts'

export type Over = 'done' | 'failed'
const OVER = ['failed', 'done'] as const

/** Events that are finished. */
export class History {
  readonly #link: Link
  readonly #names: Names

  constructor(link: Link, names: Names) {
    this.#link = link
    this.#names = names
  }

  /** Stores it, in the place of what was stored of it before. */
  async add(ending: Ending): Promise<void> {
    const { state, origin, asked } = ending
    const subject = this.#names.historyOf(state, origin.id)
    await this.#link.insist(subject, JSON.stringify(ending), { id: `${subject}.${asked ?? 0}` })
    // A retry that was cut short has left it among those that failed.
    if (asked !== undefined && state === 'done') await this.#link.again(() => this.#purge('failed', origin.id))
  }

  async get(id: string, states: readonly Over[] = OVER): Promise<Ending | undefined> {
    for (const state of states) {
      const message = await this.#link.last(this.#names[state], this.#names.historyOf(state, id))
      if (message) return JSON.parse(decodeText(message.data)) as Ending
    }
    return undefined
  }

  /** @returns which of its kind there was. */
  async drop(id: string): Promise<Over | undefined> {
    for (const state of OVER) if ((await this.#purge(state, id)) > 0) return state
    return undefined
  }

  /** @returns how many there were. */
  async #purge(state: Over, id: string): Promise<number> {
    const filter = this.#names.historyOf(state, id)
    const { purged } = await this.#link.jsm.streams.purge(this.#names[state], { filter })
    return purged
  }

  /** The last ones that came, those that this Talon cannot read left out. */
  async list(state: Over, limit: number): Promise<KeptEntry[]> {
    const messages = await lastOf(this.#link, this.#names[state], `${this.#names.prefix}.${state}.*`, limit)
    return messages.flatMap(({ data }) => readable(() => keptOf(JSON.parse(decodeText(data)) as Ending)))
  }
}

/** What it is begun again with. */
export function begunAgain({ plan, steps, notes, told }: Ending, asked: number) {
  return { ...(plan && { plan }), steps: { ...stepsKept(steps) }, notes, told, asked }
}

/** The last messages of a stream, up to so many. */
export async function lastOf(link: Link, stream: string, subject: string, limit: number): Promise<StoredMsg[]> {
  const { state } = await link.jsm.streams.info(stream)
  const wanted = Math.min(limit, state.messages)
  for (let width = wanted; ; width *= 4) {
    const from = Math.max(state.first_seq, state.last_seq - width + 1)
    const found: StoredMsg[] = []
    for await (const message of link.all(stream, subject, from)) found.push(message)
    if (found.length >= wanted || from <= state.first_seq) return found.slice(-limit)
  }
}

/** None where it cannot be read any more. */
export function readable<T>(read: () => T): T[] {
  try {
    return [read()]
  } catch (error) {
    if (TalonError.is(error)) return []
    throw error
  }
}

export const newestFirst = (entries: readonly KeptEntry[], limit: number): KeptEntry[] =>
  entries.toSorted((a, b) => b.event.received - a.event.received).slice(0, limit)

export const wants = (wanted: EntryState | undefined, state: EntryState): boolean =>
  wanted === undefined || wanted === state
