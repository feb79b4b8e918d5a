import { randomUUID } from 'node:crypto'
import type { Event } from '@talon/plugin'

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})/

/** https://www.w3.org/TR/trace-context/#sampled-flag */
const SAMPLED = 1

/** Continues the sender's trace; without a readable `traceparent` a new one begins. */
export function traceOf(traceparent: string | undefined): Pick<Event, 'traceId' | 'parentSpanId' | 'sampled'> {
  const [, traceId, parentSpanId, flags = ''] = TRACEPARENT.exec(traceparent ?? '') ?? []
  if (!traceId || !parentSpanId) return { traceId: randomUUID().replaceAll('-', '') }
  const sampled = (Number.parseInt(flags, 16) & SAMPLED) !== 0
  return { traceId, parentSpanId, ...(!sampled && { sampled }) }
}
