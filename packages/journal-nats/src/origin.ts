import type { MsgHdrs } from '@nats-io/transport-node'
import type { Event } from '@talon/plugin'
import type { Origin } from './facts.ts'

/** What stands beside the body, in the message of an event. */
const HEADER = 'Talon-Receipt'

/** The headers of an event's message. */
export function originHeaders(origin: Origin): Record<string, string> {
  return { [HEADER]: JSON.stringify(origin) }
}

export function originOf({ id, received, traceId, parentSpanId, sampled }: Event, key: string): Origin {
  return {
    ...{ id, received, traceId, key },
    ...(parentSpanId !== undefined && { parentSpanId }),
    ...(sampled !== undefined && { sampled }),
  }
}

/** Undefined where the message is none of Talon's. */
export function readOrigin(headers: MsgHdrs | undefined): Origin | undefined {
  const text = headers?.get(HEADER)
  if (!text) return undefined
  try {
    const origin = JSON.parse(text) as Partial<Origin> | null
    return typeof origin?.id === 'string' && typeof origin.key === 'string' ? (origin as Origin) : undefined
  } catch {
    return undefined
  }
}
