/** One action of a rule, resolved: plain JSON, stored with the event before anything is done. */
export interface Step {
  readonly action: string
  /** Name of the actionner: `kubernetes:label`. */
  readonly actionner: string
  /** As the actionner's schema takes them; tokens are not replaced yet. */
  readonly parameters: Readonly<Record<string, unknown>>
  readonly continue: boolean
  readonly ignoreErrors: boolean
  /** Seconds. */
  readonly timeout: number
  /** Names of additional contexts. */
  readonly contexts: readonly string[]
  readonly output?: {
    readonly target: string
    readonly parameters: Readonly<Record<string, unknown>>
    /** Whether a manifest is kept beside the artifacts of the event. */
    readonly manifest: boolean
  }
}

/** What a rule sets off. */
export interface PlannedRule {
  readonly rule: string
  readonly continue: boolean
  readonly dryRun: boolean
  readonly notifiers: readonly string[]
  readonly steps: readonly Step[]
}
