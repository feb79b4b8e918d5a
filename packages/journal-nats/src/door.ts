import type { Verdict, Window } from '@talon/core'
import type { Event } from '@talon/plugin'
import type { Figures } from './figures.ts'
import { isFull, refusal } from './failure.ts'
import type { History } from './history.ts'
import type { Link } from './link.ts'
import { originHeaders, originOf } from './origin.ts'
import { laneOf, type Names } from './subjects.ts'
import type { Windows } from './windows.ts'

export interface DoorParts {
  readonly link: Link
  readonly names: Names
  readonly windows: Windows
  readonly figures: Figures
  readonly history: History
  /** Told of what was accepted. */
  readonly accepted: (event: Event) => void
}

/** Of what NATS takes in one message, the part for an event: what it ends with holds its plan and its steps besides. */
const SHARE = 0.75

/**
 * Takes events in. The window is begun first, then the event is stored under the id of the event that its window began
 * with: a server that died in between has left a window without an event, and the next repeat is stored in its place.
 */
export async function accept(parts: DoorParts, event: Event, window: Window): Promise<Verdict> {
  const { link, names, windows, figures, history, accepted } = parts
  try {
    const full = !figures.hasRoom(event)
    const found = await windows.begin(window, event.id, full)
    if (found.kind === 'repeat') return 'duplicate'
    if (full) return 'full'
    const { key } = window
    // NATS knows of what is stored, and forgets with a restart what is not any more.
    if (found.kind === 'unsure' && (await history.get(found.id))) {
      windows.confirm(key, found.id)
      windows.count(window, found.id)
      return 'duplicate'
    }
    // Whoever works on it may have it before this server hears that it is stored.
    accepted(event)
    const stored = await link
      .put(names.eventOf(laneOf(event), event.id), event.raw, {
        id: found.id,
        headers: originHeaders(originOf(event, key)),
        share: SHARE,
      })
      .catch(async (error: unknown) => {
        if (!isFull(error)) throw error
        if (found.kind === 'begun') await windows.end(key, event.id)
        figures.full()
        return undefined
      })
    if (!stored) return 'full'
    if (found.kind !== 'free') windows.confirm(key, found.id)
    if (stored.duplicate) {
      if (found.kind === 'unsure') windows.count(window, found.id)
      return 'duplicate'
    }
    if (found.kind === 'unsure') {
      await windows.inherit(key, found.id, event.id)
      windows.confirm(key, event.id)
    }
    figures.accepted(event)
    return 'accepted'
  } catch (error) {
    throw refusal(error, 'take the event')
  }
}
