import type { Context } from '@talon/plugin'
import type { PlannedRule, Step } from './planned.ts'

/** What Talon itself gives to the context of an action, with dotted names: `falco-talon.rule`. */
export function factsOf(rule: PlannedRule, step: Step): Context {
  return {
    'falco-talon.rule': rule.rule,
    'falco-talon.rule.continue': String(rule.continue),
    'falco-talon.rule.dryrun': String(rule.dryRun),
    'falco-talon.rule.action': step.action,
    'falco-talon.rule.action.continue': String(step.continue),
    'falco-talon.rule.action.ignore_errors': String(step.ignoreErrors),
    'falco-talon.rule.action.parameters': JSON.stringify(step.parameters),
    'falco-talon.rule.actionner': step.actionner,
  }
}
