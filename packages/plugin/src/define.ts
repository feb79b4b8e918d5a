import type { z } from 'zod'
import type { Event } from './event.ts'
import type { Field } from './fields.ts'
import type { Result, StoredArtifact } from './outcome.ts'
import type { Report } from './report.ts'

/** Where a plugin says what it does. Facts are structured; never put a secret into them. */
export interface Logger {
  debug(message: string, facts?: object): void
  info(message: string, facts?: object): void
  warn(message: string, facts?: object): void
  error(message: string, facts?: object): void
}

/**
 * Something that several plugins share: a connection to an API. It is its own key: name it in `uses` and it is opened
 * once an engine, when a rule first needs it.
 */
export interface Client<T = any, S extends z.ZodObject = any> {
  readonly kind: 'client'
  /** Also the section of the config file that holds its settings. */
  readonly name: string
  readonly summary: string
  /** Secrets are marked `.meta({ secret: true })`. */
  readonly settings: S
  open(settings: z.output<S>, about: { readonly log: Logger }): T | Promise<T>
  close?(client: T): void | Promise<void>
  /** Throws where the other side cannot be reached. `/readyz` asks it. */
  check?(client: T, signal: AbortSignal): Promise<void>
}

/** The clients that a definition uses, by the names that its `run` knows them by. */
export type Uses = Readonly<Record<string, Client>>
/** The same, opened: `{ kubernetes }` gives `run` the client itself. */
export type Opened<U extends Uses> = { readonly [K in keyof U]: U[K] extends Client<infer T> ? T : never }
/** The fields of an event that a definition needs, by the names that its `run` knows them by: `{ pod: podName }`. */
export type Needs = Readonly<Record<string, Field<any>>>
/** The same, read from an event and checked: `{ pod: string }`. */
export type Read<N extends Needs> = { readonly [K in keyof N]: N[K] extends Field<infer T> ? T : never }

/** A rule of a Kubernetes Role, in the words of rbac.authorization.k8s.io. */
export interface PolicyRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  /** Needed only where the action's parameters have these values: `{ level: 'node' }`. */
  readonly when?: Readonly<Record<string, unknown>>
  /** Not needed where they have these: `{ min_healthy_replicas: undefined }`. */
  readonly unless?: Readonly<Record<string, unknown>>
  /** Parameter that lists kinds (`roles.rbac.authorization.k8s.io`): where given, they are meant in place of these. */
  readonly kinds?: string
  /** Needed in all namespaces at once, as for the pods of a node: a Role does not do. */
  readonly everywhere?: boolean
}

/** What must be granted for the plugin to work. */
export interface Permissions {
  readonly kubernetes?: readonly PolicyRule[]
  readonly aws?: readonly string[]
  readonly gcp?: readonly string[]
}

/**
 * What every kind of plugin tells about itself: schema, checks, documentation, listing and roles derive from it.
 *
 * Parameters are described with `.describe()`. `.meta()` says more: `secret: true` keeps a value out of sight;
 * `tokens: 'text'` lets `${NAME}` be replaced by the event's values, `tokens: 'segment'` makes each one clean path
 * segment of it; `shell: true` marks program text, whose tokens reach the shell as variables.
 */
interface Definition<P extends z.ZodObject, U extends Uses> {
  readonly name: string
  /** One line that says what it does, without a full stop. */
  readonly summary: string
  /** What is worth knowing before using it, in Markdown. */
  readonly notes?: string
  readonly parameters: P
  readonly examples: readonly { readonly title: string; readonly parameters: z.input<P> }[]
  readonly permissions?: Permissions
  readonly uses: U
}

/** What each run gets. */
export interface Job {
  /** Ends the run: its timeout, or the engine stops. Every wait takes it. */
  readonly signal: AbortSignal
  readonly log: Logger
}

/** Facts about the surroundings, with dotted names: `{ 'node.hostname': 'worker-1' }`. */
export type Context = Readonly<Record<string, string>>

/** What is noted with an event, so that later steps, and a restart, know it. */
export interface Notes {
  get(name: string): string | undefined
  set(name: string, value: string): void
}

/** What an actionner is asked to do, and all that it may know. */
export interface ActionJob<N extends Needs, P extends z.ZodObject> extends Job {
  readonly event: Event
  /** What `needs` names, read from the event and checked. */
  readonly fields: Read<N>
  /** The event's Talon facts and the additional contexts, dotted names. */
  readonly context: Context
  /** The variables that the program text of this action names; they are exported to the shell, quoted. */
  readonly tokens: Readonly<Record<string, string>>
  /** The same for program text that is no parameter, such as a file's: the text to run, and its variables. */
  program(text: string): { readonly text: string; readonly variables: Readonly<Record<string, string>> }
  readonly parameters: z.output<P>
  /** True: say what would be done and change nothing. Only actionners with `previews` see it. */
  readonly dryRun: boolean
  /** False: no output takes an artifact of this action, so what it found is told in `Result.output`, bounded. */
  readonly artifactWanted: boolean
  readonly notes: Notes
}

/** Acts on the target of an event: observes, changes or destroys it. */
export interface Actionner<P extends z.ZodObject = any, N extends Needs = any, U extends Uses = any> extends Definition<
  P,
  U
> {
  readonly kind: 'actionner'
  /** Values without which it cannot act: `{ pod: podName }` gives `fields.pod: string`. */
  readonly needs: N
  /** Whether it makes an artifact, and an output must take it. */
  readonly output: 'none' | 'optional' | 'required'
  /** Whether the rule's sequence goes on after it, where the rule does not say. */
  readonly continue: boolean
  /** What it does to its target. Guard-rails, lanes and dry runs go by it. */
  readonly effect: 'observe' | 'change' | 'destroy'
  /** Whether it may run again where a crash or a failure left it unfinished. */
  readonly repeatable: boolean
  /** Whether `run` knows dry runs. Otherwise core reports what would have run and does not call it. */
  readonly previews: boolean
  /** Seconds that it may take, where the rule does not say. */
  timeout(parameters: z.output<P>): number
  run(job: ActionJob<N, P>, clients: Opened<U>): Promise<Result>
}

/** Stores artifacts. */
export interface Output<P extends z.ZodObject = any, U extends Uses = any> extends Definition<P, U> {
  readonly kind: 'output'
  run(job: OutputJob<P>, clients: Opened<U>): Promise<Result>
}

/** What an output is asked to store. It may be asked again for the same: what it stored then counts. */
export interface OutputJob<P extends z.ZodObject = any> extends Job {
  readonly event: Event
  readonly artifact: StoredArtifact
  /** The artifact's own name there: unique, one clean path segment. */
  readonly key: string
  /** True for a manifest, which takes the place of its own earlier version. Anything else never overwrites. */
  readonly replace: boolean
  /**
   * Facts to keep with the object, where the target has room for them: `falco-rule`, `event-time`, `pod`, `namespace`,
   * `node`, `rule`, `action`, `actionner`, `sha256`, `trace-id`. Printable ASCII, the rest percent-encoded; none is
   * empty, all together less than 2 KB (what S3 takes).
   */
  readonly metadata: Readonly<Record<string, string>>
  readonly parameters: z.output<P>
}

/** Tells people or systems what came of actions and outputs. Its parameters are its settings in the config file. */
export interface Notifier<P extends z.ZodObject = any, U extends Uses = any> extends Definition<P, U> {
  readonly kind: 'notifier'
  /** How many reports it takes at once. */
  readonly batch: number
  run(
    job: Job & { readonly reports: readonly [Report, ...Report[]]; readonly parameters: z.output<P> },
    clients: Opened<U>,
  ): Promise<Result>
}

/** Gives facts about the surroundings of an event, for actions that list it in `additional_contexts`. */
export interface ContextSource<N extends Needs = any, U extends Uses = any> {
  readonly kind: 'context'
  readonly name: string
  readonly summary: string
  /** Each fact's dotted name and what it is. */
  readonly gives: Readonly<Record<string, string>>
  readonly permissions?: Permissions
  readonly needs: N
  readonly uses: U
  run(
    job: Job & { readonly event: Event; readonly fields: Read<N>; readonly notes: Notes },
    clients: Opened<U>,
  ): Promise<Context>
}

/** A definition of any kind. */
export type Provided = Actionner | Output | Notifier | ContextSource

/** What a package exports by default: its definitions. */
export interface Plugin {
  readonly contract: 1
  readonly name: string
  readonly provides: readonly Provided[]
}

type Given<T, K extends keyof T> = Omit<T, 'kind' | K> & Partial<Pick<T, K>>

const DEFAULT_TIMEOUT = 30

/** Defines a client. */
export function defineClient<T, S extends z.ZodObject>(given: Omit<Client<T, S>, 'kind'>): Client<T, S> {
  return { kind: 'client', ...given }
}

/** Defines an actionner. Defaults: no needs, no clients, no artifact, the sequence goes on, 30 seconds. */
export function defineActionner<P extends z.ZodObject, const N extends Needs = {}, const U extends Uses = {}>(
  given: Given<Actionner<P, N, U>, 'needs' | 'uses' | 'output' | 'continue' | 'previews' | 'timeout'>,
): Actionner<P, N, U> {
  const defaults = { needs: {} as N, uses: {} as U, output: 'none', continue: true, previews: false } as const
  return { kind: 'actionner', timeout: () => DEFAULT_TIMEOUT, ...defaults, ...given }
}

/** Defines an output. */
export function defineOutput<P extends z.ZodObject, const U extends Uses = {}>(
  given: Given<Output<P, U>, 'uses'>,
): Output<P, U> {
  return { kind: 'output', uses: {} as U, ...given }
}

/** Defines a notifier. Without `batch` it gets one report at a time. */
export function defineNotifier<P extends z.ZodObject, const U extends Uses = {}>(
  given: Given<Notifier<P, U>, 'uses' | 'batch'>,
): Notifier<P, U> {
  return { kind: 'notifier', uses: {} as U, batch: 1, ...given }
}

/** Defines a source of contexts. */
export function defineContext<const N extends Needs = {}, const U extends Uses = {}>(
  given: Given<ContextSource<N, U>, 'needs' | 'uses'>,
): ContextSource<N, U> {
  return { kind: 'context', needs: {} as N, uses: {} as U, ...given }
}

/** Defines a plugin: the default export of its package. */
export function definePlugin(given: Omit<Plugin, 'contract'>): Plugin {
  return { contract: 1, ...given }
}
