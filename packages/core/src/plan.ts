import type { Event } from '@talon/plugin'
import type { Ruleset } from './ruleset.ts'

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

/** What an event sets off. A restart goes on with it, whatever the rules say by then. */
export interface Plan {
  /** SHA-256 of the rules that made it. */
  readonly rulesHash: string
  readonly rules: readonly PlannedRule[]
}

/** The rules that an event sets off, top to bottom, up to and with the first that says `continue: false`. Pure. */
export function plan(event: Event, ruleset: Ruleset): Plan {
  const rules: PlannedRule[] = []
  for (const { planned, matches } of ruleset.candidates(event)) {
    if (!matches(event)) continue
    rules.push(planned)
    if (!planned.continue) break
  }
  return { rulesHash: ruleset.hash, rules }
}
