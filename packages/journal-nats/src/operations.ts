import type { Journal, KeptEntry } from '@talon/core'
import type { Entries } from './entries.ts'
import { keptOf } from './facts.ts'
import { refusal } from './failure.ts'
import type { Figures } from './figures.ts'
import { Held } from './held.ts'
import { begunAgain, lastOf, newestFirst, readable, wants, type History } from './history.ts'
import type { Link } from './link.ts'
import { originHeaders } from './origin.ts'
import { laneOf, type Names } from './subjects.ts'
import type { Windows } from './windows.ts'

export interface OperationsParts {
  readonly link: Link
  readonly names: Names
  readonly windows: Windows
  readonly figures: Figures
  readonly history: History
  readonly entries: Entries
  readonly run: string
}

/** What operators ask for. Each is rejected with an ActionError where NATS refuses it. */
export function operations(parts: OperationsParts): Pick<Journal, 'list' | 'show' | 'retry' | 'drop'> {
  const { link, names, windows, figures, history, entries, run } = parts

  /** Each event that is not finished, up to so many. */
  async function unfinished(limit: number): Promise<KeptEntry[]> {
    const found = await lastOf(link, names.events, names.eventOf('*', '*'), limit)
    const kept = await Promise.all(found.map(async (message) => keptEntry(await entries.read(message))))
    return kept.flatMap((entry) => entry ?? [])
  }

  /** Undefined where it is finished, or cannot be read any more. */
  async function keptEntry(held: Held | undefined): Promise<KeptEntry | undefined> {
    if (!held || held.ending) return undefined
    const repeats = await windows.repeats(held.origin.key, held.id)
    return readable((): KeptEntry => ({ ...held.entry(repeats), state: 'unfinished' }))[0]
  }

  const list: Journal['list'] = async ({ state, limit }) => {
    const lists = await Promise.all([
      wants(state, 'unfinished') ? unfinished(limit) : [],
      wants(state, 'failed') ? history.list('failed', limit) : [],
      wants(state, 'done') ? history.list('done', limit) : [],
    ])
    return newestFirst(lists.flat(), limit)
  }

  const show: Journal['show'] = async (id) => {
    const message = await entries.message(id)
    const open = message && (await keptEntry(await entries.read(message)))
    if (open) return open
    const ending = await history.get(id)
    if (!ending) return undefined
    const repeats = await windows.repeats(ending.origin.key, id)
    return readable(() => keptOf({ ...ending, repeats }))[0]
  }

  const retry: Journal['retry'] = async (id, asked) => {
    const ending = await history.get(id, ['failed'])
    if (!ending || (await entries.message(id))) return false
    const { origin, raw } = ending
    const held = new Held({ link, names, origin, raw, seq: 0, run })
    await held.read()
    await held.write({ kind: 'again', progress: begunAgain(ending, asked) })
    const [entry] = readable(() => keptOf(ending))
    const lane = laneOf(entry?.event ?? { priority: 'Debug' })
    await link.put(names.eventOf(lane, id), raw, { id: `${id}.${asked}`, headers: originHeaders(origin) })
    await history.drop(id)
    figures.begunAgain(id, origin.received)
    return true
  }

  const drop: Journal['drop'] = async (id) => {
    const dropped = await history.drop(id)
    if (dropped) figures.forgotten(dropped === 'failed')
    return dropped !== undefined
  }

  return {
    list: (query) => list(query).catch(refused('list its events')),
    show: (id) => show(id).catch(refused(`show the event ${id}`)),
    retry: (id, asked) => retry(id, asked).catch(refused(`begin the event ${id} again`)),
    drop: (id) => drop(id).catch(refused(`forget the event ${id}`)),
  }
}

/** What an operation ends with where NATS refuses it. */
const refused = (what: string) => (error: unknown) => {
  throw refusal(error, what)
}
