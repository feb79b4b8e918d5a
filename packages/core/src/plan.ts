import type { Event } from '@talon/plugin'
import type { PlannedRule } from './planned.ts'
import type { Ruleset } from './ruleset.ts'

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
