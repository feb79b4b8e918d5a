import type { Event } from '@talon/plugin'
import type { Predicate } from './match.ts'
import type { PlannedRule } from './plan.ts'

export interface CompiledRule {
  readonly matches: Predicate
  readonly planned: PlannedRule
}

/** The compiled rules, indexed so that an event does not walk them all. */
export interface Ruleset {
  /** SHA-256 of what the rules say. */
  readonly hash: string
  readonly rules: readonly CompiledRule[]
  /** The rules that may match, in their order in the files. */
  candidates(event: Event): Iterable<CompiledRule>
}
