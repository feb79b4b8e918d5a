import { randomUUID } from 'node:crypto'
import type { Event } from '@talon/plugin'

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}/

/** Continues the sender's trace; without a readable `traceparent` a new one begins. */
export function traceOf(traceparent: string | undefined): Pick<Event, 'traceId' | 'parentSpanId'> {
  const [, traceId, parentSpanId] = TRACEPARENT.exec(traceparent ?? '') ?? []
  return traceId && parentSpanId ? { traceId, parentSpanId } : { traceId: randomUUID().replaceAll('-', '') }
}
