import type { Context } from './define.ts'
import type { Event } from './event.ts'

// TypeScript's library does not know it yet; V8 has it from Node 22 on.
const { rawJSON } = JSON as JSON & { rawJSON: (text: string) => unknown }

/** A double would change `1667319338184268801` or `1.0`: every number keeps the text that it came with. */
function keepNumber(_key: string, value: unknown, place?: { source?: string }): unknown {
  return typeof value === 'number' && place?.source !== undefined ? rawJSON(place.source) : value
}

/**
 * The event's JSON as it came, with the context under `context`, for actionners that send it on. Numbers keep their
 * digits; a `context` that came with the event gives way, in any case, and of a name that occurs twice the last counts.
 */
export function payloadOf(event: Event, context: Context): string {
  const body = Object.entries(JSON.parse(event.raw, keepNumber) as object)
  const own = body.filter(([key]) => key.toLowerCase() !== 'context')
  return JSON.stringify({ ...Object.fromEntries(own), context })
}
