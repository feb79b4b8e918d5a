import { decode } from '@talon/core'
import type { Event } from '@talon/plugin'

/** What an event of a test says; everything else is as Falco would write it. */
export interface EventParts {
  readonly rule?: string
  readonly priority?: string
  readonly output?: string
  readonly source?: string
  readonly hostname?: string
  readonly tags?: readonly string[]
  /** RFC 3339; the receipt where missing. */
  readonly time?: string
  readonly fields?: Readonly<Record<string, unknown>>
}

/** A Falco event, read by the engine's own door. Without `fields`: a shell in the pod web-0 of the namespace default. */
export function falcoEvent(parts: EventParts = {}): Event {
  const { fields = { 'k8s.ns.name': 'default', 'k8s.pod.name': 'web-0' }, ...rest } = parts
  const received = Date.now()
  const body = {
    rule: 'Terminal shell in container',
    priority: 'Notice',
    output: 'A shell was spawned in a container with an attached terminal',
    source: 'syscall',
    hostname: 'node-1',
    tags: ['container', 'shell'],
    time: new Date(received).toISOString(),
    ...rest,
    output_fields: fields,
  }
  return decode(JSON.stringify(body), {
    id: `event-${received}`,
    received,
    traceId: '0af7651916cd43dd8448eb211c80319c',
  })
}
