import { failureOf, programOf, readFields, resolveParameters, tokensOf, type Outcome } from '@talon/core'
import type { Actionner, Context, Event, Needs, Notes, Opened, Read, Uses } from '@talon/plugin'
import type { z } from 'zod'
import { falcoEvent } from './events.ts'
import { jobOf, memoryNotes, type JobOptions } from './job.ts'

/** How an actionner is run in a test. */
export interface RunOptions<U> extends JobOptions {
  readonly event?: Event
  /** What `uses` names, opened: an own client, or a fake. */
  readonly clients: U
  readonly dryRun?: boolean
  /** Whether an output takes the artifact; as a rule one does where the actionner makes any. */
  readonly artifactWanted?: boolean
  readonly context?: Context
  readonly notes?: Notes
}

/** Runs an actionner as the engine does: fields read and checked, tokens replaced, what is thrown as a failure. */
export async function run<P extends z.ZodObject, N extends Needs, U extends Uses>(
  actionner: Actionner<P, N, U>,
  parameters: z.input<P>,
  options: RunOptions<Opened<U>>,
): Promise<Outcome> {
  const { event = falcoEvent(), clients, dryRun = false, context = {}, notes = memoryNotes() } = options
  const { artifactWanted = actionner.output !== 'none' } = options
  try {
    const fields = readFields(event, actionner.needs) as Read<N>
    const given = parameters as Readonly<Record<string, unknown>>
    const resolved = resolveParameters(actionner.parameters, given, () => tokensOf(event, context))
    const program = (text: string) => programOf(text, tokensOf(event, context))
    const job = {
      ...jobOf(options),
      event,
      fields,
      context,
      tokens: resolved.variables,
      program,
      dryRun,
      artifactWanted,
      notes,
    }
    return await actionner.run({ ...job, parameters: resolved.parameters as z.output<P> }, clients)
  } catch (error) {
    return failureOf(error)
  }
}
