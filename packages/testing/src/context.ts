import { readFields } from '@talon/core'
import type { Context, ContextSource, Event, Needs, Notes, Opened, Read, Uses } from '@talon/plugin'
import { falcoEvent } from './events.ts'
import { jobOf, memoryNotes, type JobOptions } from './job.ts'

/** How a source of contexts is run in a test. */
export interface ContextOptions<U> extends JobOptions {
  /** What `uses` names, opened: an own client, or a fake. */
  readonly clients: U
  readonly event?: Event
  readonly notes?: Notes
}

/** Reads facts as the engine does: fields read and checked first. @throws what the source throws. */
export async function runContext<N extends Needs, U extends Uses>(
  source: ContextSource<N, U>,
  options: ContextOptions<Opened<U>>,
): Promise<Context> {
  const { clients, event = falcoEvent(), notes = memoryNotes() } = options
  const fields = readFields(event, source.needs) as Read<N>
  return await source.run({ ...jobOf(options), event, fields, notes }, clients)
}
