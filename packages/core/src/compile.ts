import { PRIORITIES, type Actionner, type ContextSource, type Issue, type Notifier, type Output } from '@talon/plugin'
import { actionBlock, matchBlock, ruleBlock } from './blocks.ts'
import { bindParameters } from './bind.ts'
import { checkProgram, checkRules, checkTokens } from './checks.ts'
import { coerce, type Coerced } from './coerce.ts'
import type { Draft } from './draft.ts'
import { readMatch, type Match } from './match.ts'
import type { Step } from './planned.ts'
import { readRules, type RuleTree } from './rules.ts'
import { createRuleset, type Ruleset } from './ruleset.ts'
import { restraintOfAction, restraintOfRule } from './restraint.ts'
import { issueAt, sortIssues, suggest, type Place, type RuleSource } from './source.ts'
import { at, type MapTree, type Tree } from './tree.ts'

export type { RuleSource } from './source.ts'

/** What rules are compiled against: the plugins, by kind and name. */
export interface Definitions {
  find(kind: 'actionner', name: string): Actionner | undefined
  find(kind: 'output', name: string): Output | undefined
  find(kind: 'notifier', name: string): Notifier | undefined
  find(kind: 'context', name: string): ContextSource | undefined
  list(kind: 'actionner' | 'output' | 'notifier' | 'context'): readonly { readonly name: string }[]
  list(kind: 'context'): readonly ContextSource[]
}

export interface CompileSettings {
  readonly default_notifiers: readonly string[]
}

export interface Compiled {
  /** Absent where an issue is an error. */
  readonly ruleset?: Ruleset
  readonly issues: readonly Issue[]
}

/** Binds rules to plugins, and lists all that is wrong or doubtful at once. Opens nothing. */
export function compile(sources: readonly RuleSource[], definitions: Definitions, settings: CompileSettings): Compiled {
  const issues: Issue[] = []
  const { rules, unused } = readRules(sources, issues)
  const drafts = rules.map((rule) => draftOf(rule))
  // Not doubtful: Falco Talon's chart ships one that is there to be used.
  for (const tree of unused) stepOf(tree, { lenient: true })
  issues.push(...checkRules(drafts))
  const sorted = sortIssues(issues, sources)
  const wrong = sorted.some(({ level }) => level === 'error')
  return { issues: sorted, ...(!wrong && { ruleset: createRuleset(drafts) }) }

  function draftOf({ name, tree, actions }: RuleTree): Draft {
    // One wrong key hides no mistake in another.
    const {
      partial: value = {},
      issues: found,
      placeOf,
    } = coerce(tree, ruleBlock, 'key of a rule', undefined, restraintOfRule)
    issues.push(...found)
    const steps = actions.map((action) => ({ tree: action, ...stepOf(action, { lenient: false }) }))
    const notifiers = [...new Set([...settings.default_notifiers, ...((value.notifiers ?? []) as string[])])]
    checkNames('notifier', value.notifiers, (index) => placeOf(['notifiers', index]))
    return {
      tree,
      match: matchOf(tree),
      planned: {
        rule: name,
        continue: value.continue ?? true,
        dryRun: value.dry_run ?? false,
        notifiers,
        steps: steps.flatMap(({ step }) => step ?? []),
      },
      actionners: steps.flatMap(({ definition, tree }) => (definition ? { definition, tree } : [])),
    }
  }

  function matchOf(rule: MapTree): Match {
    const tree = at(rule, 'match')
    if (!tree) return {}
    const { partial: value, placeOf } = coerce(tree, matchBlock)
    if (!value) return {}
    const { match, issues: found } = readMatch(value)
    for (const { path, message, name } of found) {
      const hint = name === undefined ? undefined : suggest(name, PRIORITIES)
      issues.push(issueAt(placeOf(path), 'error', message, hint))
    }
    return match
  }

  /** `lenient`: a reusable action that nobody uses may leave open what a rule would give. */
  function stepOf(tree: MapTree, { lenient }: { lenient: boolean }): { step?: Step; definition?: Actionner } {
    const {
      value,
      issues: found,
      placeOf,
    } = coerce(tree, actionBlock, 'key of an action', undefined, restraintOfAction)
    issues.push(...found)
    const name = at(tree, 'actionner')
    if (name?.kind !== 'scalar') {
      if (!lenient)
        issues.push(issueAt(at(tree, 'action')?.place ?? tree.place, 'error', 'this action has no actionner'))
      return {}
    }
    const definition = definitions.find('actionner', name.text)
    if (!definition) {
      issues.push(unknown('actionner', name))
      return {}
    }
    const parameters = bound(definition, tree, name, lenient)
    checkNames('context', value?.additional_contexts, (index) => placeOf(['additional_contexts', index]))
    issues.push(...checkTokens(definition, tree, value?.additional_contexts ?? [], definitions.list('context')))
    issues.push(...checkProgram(definition, tree))
    const output = outputOf(definition, tree, { lenient, manifest: value?.output?.manifest ?? false })
    if (!value || !parameters) return { definition }
    const parsed = definition.parameters.safeParse(parameters)
    return {
      definition,
      step: {
        action: value.action,
        actionner: definition.name,
        parameters,
        continue: value.continue ?? definition.continue,
        ignoreErrors: value.ignore_errors ?? false,
        timeout: value.timeout ?? (parsed.success ? definition.timeout(parsed.data) : DEFAULT_TIMEOUT),
        contexts: value.additional_contexts ?? [],
        ...(output && { output }),
      },
    }
  }

  function outputOf(
    actionner: Actionner,
    action: MapTree,
    { lenient, manifest }: { lenient: boolean; manifest: boolean },
  ): Step['output'] | undefined {
    const tree = at(action, 'output')
    if (!tree) {
      if (actionner.output !== 'required' || lenient) return undefined
      const place = at(action, 'actionner')?.place ?? action.place
      issues.push(
        issueAt(
          place,
          'error',
          `${actionner.name} makes an artifact, and has no output to store it`,
          suggest('', names('output')),
        ),
      )
      return undefined
    }
    const key = action.entries.get('output')?.key ?? tree.place
    if (actionner.output === 'none') {
      issues.push(issueAt(key, 'warning', `${actionner.name} makes no artifact: its output is never used`))
      return undefined
    }
    const target = at(tree, 'target')
    if (target?.kind !== 'scalar') return undefined
    const definition = definitions.find('output', target.text)
    if (!definition) {
      issues.push(unknown('output', target))
      return undefined
    }
    const parameters = bound(definition, tree, target, lenient)
    return parameters && { target: definition.name, parameters, manifest }
  }

  function bound(definition: Actionner | Output, tree: Tree, named: Tree, lenient: boolean): Coerced['value'] {
    const { value, issues: found } = bindParameters(definition, at(tree, 'parameters'), { named, lenient })
    issues.push(...found)
    return value
  }

  function checkNames(
    kind: 'notifier' | 'context',
    list: readonly string[] | undefined,
    placeOf: (index: number) => Place,
  ): void {
    for (const [index, name] of (list ?? []).entries())
      if (!definitions.find(kind as 'context', name))
        issues.push(issueAt(placeOf(index), 'error', `unknown ${kind} '${name}'`, suggest(name, names(kind))))
  }

  function unknown(kind: 'actionner' | 'output', { text, place }: { text: string; place: Tree['place'] }): Issue {
    return issueAt(
      place,
      'error',
      `unknown ${kind} '${text}'`,
      suggest(text, names(kind)) ?? `talon ${kind}s list names all of them`,
    )
  }
  function names(kind: 'actionner' | 'output' | 'notifier' | 'context'): string[] {
    return definitions.list(kind).map(({ name }) => name)
  }
}

/** Seconds; where tokens in the parameters leave the actionner's own unknown. */
const DEFAULT_TIMEOUT = 30
