import {
  ActionError,
  ConfigError,
  done,
  ignored,
  type Actionner,
  type Context,
  type Event,
  type Result,
} from '@talon/plugin'
import { readFields } from './fields.ts'
import { factsOf } from './facts.ts'
import type { PlannedRule } from './planned.ts'
import { resolveParameters } from './resolve.ts'
import { retry } from './retry.ts'
import type { Spooled } from './spool.ts'
import { failureOf, type Outcome, type Stage } from './stage.ts'
import { keyOf } from './key.ts'
import { addToManifest, type Put } from './manifest.ts'
import { metadataOf } from './metadata.ts'
import { programOf, tokensOf, type Tokens } from './tokens.ts'
import type { Tools } from './tools.ts'
import type { StepWork } from './work.ts'

export interface Acted {
  readonly outcome: Outcome
  /** On disk, for the output; drop it once it is stored. */
  readonly artifact?: Spooled
}

const stageOf = ({ event, rule: { rule, dryRun }, step: { action, actionner } }: StepWork): Omit<Stage, 'name'> => ({
  event,
  rule,
  dryRun,
  action,
  actionner,
})

/** Runs the action after it `waited`, in milliseconds, and collects what it found: the step's needs, contexts and tokens, then the actionner. */
export async function act(work: StepWork, tools: Tools, waited: number): Promise<Acted> {
  const { event, rule, step, key, notes } = work
  let artifact: Spooled | undefined
  const outcome = await tools.runStage({ ...stageOf(work), name: 'action', waited }, async () => {
    const definition = found(tools.host.find('actionner', step.actionner), `actionner '${step.actionner}'`)
    const { refused, fields } = await check(work, definition, tools)
    if (refused) return refused
    const signal = AbortSignal.any([tools.signal, AbortSignal.timeout(step.timeout * 1000)])
    const context = await contextOf(work, tools, signal)
    const tokens = lazy(event, context)
    const { parameters, variables } = resolveParameters(definition.parameters, step.parameters, tokens)
    if (rule.dryRun && !definition.previews)
      return ignored(`dry run: ${definition.name} would run with ${JSON.stringify(parameters)}`)
    const clients = await tools.open(definition.uses)
    const run = async (): Promise<Result> => {
      const job = {
        event,
        fields,
        context,
        tokens: variables,
        program: (text: string) => programOf(text, tokens()),
        parameters,
        dryRun: rule.dryRun,
        artifactWanted: step.output !== undefined,
        notes,
        signal,
        log: tools.log,
      }
      const result = await definition.run(job, clients).catch((error: unknown) => {
        throw signal.aborted && !tools.signal.aborted ? timedOut(step.timeout, error) : error
      })
      if (result.artifact && step.output && !rule.dryRun)
        artifact = await tools.spool.collect(result.artifact, `${event.id}.${key}`, signal)
      return result
    }
    if (runsOnce(rule, definition)) await tools.journal.step(event.id, key, { state: 'started' })
    // The right to act may have passed on while the step waited.
    tools.mayAct()
    return retry(run, { retries: tools.retries, untouchedOnly: !definition.repeatable, signal, random: tools.random })
  })
  return { outcome, ...(artifact && { artifact }) }
}

/** One that may not run twice is marked in the journal before it runs; what only says what it would do may be repeated. */
export const runsOnce = (rule: PlannedRule, definition: Actionner | undefined): boolean =>
  !rule.dryRun && definition?.repeatable === false

/** Waits until what the step uses is there: that takes no time from the action, and the event's age counts after it. */
async function reach({ rule, step }: StepWork, definition: Actionner, tools: Tools): Promise<void> {
  // What is wrong with a context is its own stage's failure.
  for (const name of step.contexts)
    await tools.open(tools.host.find('context', name)?.uses ?? {}).catch(() => tools.signal.throwIfAborted())
  if (!rule.dryRun || definition.previews) await tools.open(definition.uses)
}

interface Checked {
  readonly fields: ReturnType<typeof readFields>
  /** Why the action does not run after all. */
  readonly refused?: Outcome
}

/** Whether the action may run: with the fields that it needs, and not too late. @throws EventError that names those. */
async function check(work: StepWork, definition: Actionner, tools: Tools): Promise<Checked> {
  const { event } = work
  const { effect, needs } = definition
  let fields: Checked['fields'] = {}
  const outcome = await tools.runStage({ ...stageOf(work), name: 'checks' }, async () => {
    // First, for what an event lacks does not come by waiting.
    fields = readFields(event, needs)
    await reach(work, definition, tools)
    const age = tools.now() - (work.asked ?? event.received)
    if (effect !== 'observe' && age > tools.maxEventAge)
      return ignored(
        `the event is ${Math.round(age / 1000)} s old: what changes is not done any more after max_event_age`,
      )
    return done('the action may run')
  })
  if ('error' in outcome) throw outcome.error
  return { fields, ...(outcome.status === 'ignored' && { refused: outcome }) }
}

/** Stores what the action found at that time. It may be tried again: the artifact lies in the spool. */
export function store(work: StepWork, artifact: Spooled, at: number, tools: Tools): Promise<Outcome> {
  const { event, step } = work
  const target = step.output?.target ?? ''
  return tools.runStage({ ...stageOf(work), name: 'output', target }, async () => {
    const definition = found(tools.host.find('output', target), `output '${target}'`)
    const context = factsOf(work.rule, step)
    const { parameters } = resolveParameters(definition.parameters, step.output?.parameters ?? {}, lazy(event, context))
    const clients = await tools.open(definition.uses)
    const { log, signal, retries, random } = tools
    const put: Put = (artifact, key, { replace }) => {
      const metadata = metadataOf(event, work.rule, step, artifact)
      const job = { event, artifact, key, replace, metadata, parameters, log, signal }
      return retry(() => definition.run(job, clients), { retries, signal, random })
    }
    const key = keyOf(event, artifact.name, at)
    const result = await put(artifact, key, { replace: false })
    if (step.output?.manifest) await addToManifest(work, { artifact, key, at }, parameters, put, tools)
    const { size, sha256 } = artifact
    return { ...result, objects: { ...result.objects, size: String(size), sha256 } }
  })
}

/** What Talon knows, and the additional contexts that the step asks for. A source that fails is the action's failure. */
async function contextOf(work: StepWork, tools: Tools, signal: AbortSignal): Promise<Context> {
  const { event, rule, step, notes } = work
  let context = factsOf(rule, step)
  for (const name of step.contexts) {
    const outcome = await tools.runStage({ ...stageOf(work), name: 'context', context: name }, async () => {
      const source = found(tools.host.find('context', name), `context '${name}'`)
      const clients = await tools.open(source.uses)
      const fields = readFields(event, source.needs)
      context = { ...context, ...(await source.run({ event, fields, notes, signal, log: tools.log }, clients)) }
      return { status: 'success', message: `context ${name} read`, objects: {} }
    })
    if (outcome.status === 'failure') throw outcome.error
  }
  return context
}

/** What is told of a step that a crash cut short, and that may not run again. */
export function interrupted(work: StepWork, tools: Tools): Promise<Outcome> {
  const error = new ActionError('a crash cut the action short, and it may not run twice: look at its target')
  return tools.runStage({ ...stageOf(work), name: 'action' }, async () => ({
    ...failureOf(error),
    status: 'interrupted',
  }))
}

function lazy(event: Event, context: Context): () => Tokens {
  let tokens: Tokens | undefined
  return () => (tokens ??= tokensOf(event, context))
}

function found<T>(definition: T | undefined, what: string): T {
  if (definition) return definition
  throw new ConfigError(`the ${what} is not known any more: install its plugin again`)
}

function timedOut(seconds: number, cause: unknown): ActionError {
  return new ActionError(`the action took longer than its timeout of ${seconds} s and was ended`, { cause })
}
