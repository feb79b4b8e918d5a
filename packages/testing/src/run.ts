import { failureOf, programOf, readFields, resolveParameters, tokensOf, type Outcome } from '@talon/core'
import type { Actionner, Context, Event, Logger, Needs, Notes, Opened, Read, Uses } from '@talon/plugin'
import type { z } from 'zod'
import { falcoEvent } from './events.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** How an actionner is run in a test. */
export interface RunOptions<U> {
  readonly event?: Event
  /** What `uses` names, opened: an own client, or a fake. */
  readonly clients: U
  readonly dryRun?: boolean
  /** Whether an output takes the artifact; as a rule one does where the actionner makes any. */
  readonly artifactWanted?: boolean
  readonly context?: Context
  readonly notes?: Notes
  readonly signal?: AbortSignal
  readonly log?: Logger
}

/** Notes that live as long as the test. */
export function memoryNotes(): Notes {
  const notes = new Map<string, string>()
  return { get: (name) => notes.get(name), set: (name, value) => void notes.set(name, value) }
}

/** Runs an actionner as the engine does: fields read and checked, tokens replaced, what is thrown as a failure. */
export async function run<P extends z.ZodObject, N extends Needs, U extends Uses>(
  actionner: Actionner<P, N, U>,
  parameters: z.input<P>,
  options: RunOptions<Opened<U>>,
): Promise<Outcome> {
  const { event = falcoEvent(), clients, dryRun = false, context = {}, notes = memoryNotes(), log = silent } = options
  const { signal = new AbortController().signal, artifactWanted = actionner.output !== 'none' } = options
  try {
    const fields = readFields(event, actionner.needs) as Read<N>
    const given = parameters as Readonly<Record<string, unknown>>
    const resolved = resolveParameters(actionner.parameters, given, () => tokensOf(event, context))
    const program = (text: string) => programOf(text, tokensOf(event, context))
    const job = {
      event,
      fields,
      context,
      tokens: resolved.variables,
      program,
      dryRun,
      artifactWanted,
      notes,
      signal,
      log,
    }
    return await actionner.run({ ...job, parameters: resolved.parameters as z.output<P> }, clients)
  } catch (error) {
    return failureOf(error)
  }
}
