import type { Actionner, ContextSource, Field, Issue } from '@talon/plugin'
import type { z } from 'zod'
import type { Draft } from './compile.ts'
import { covers } from './match.ts'
import { metaOf } from './meta.ts'
import { issueAt, suggest } from './source.ts'
import { tokenName } from './tokens.ts'
import { at, type MapTree, type ScalarTree, type Tree } from './tree.ts'

/** Tokens that Talon itself gives, by spec section 3. */
const TALON_TOKENS = [
  '',
  '_CONTINUE',
  '_DRYRUN',
  '_ACTION',
  '_ACTION_CONTINUE',
  '_ACTION_IGNORE_ERRORS',
  '_ACTION_PARAMETERS',
  '_ACTIONNER',
].map((part) => `FALCO_TALON_RULE${part}`)

/** Whether tokens are replaced in a parameter. */
export function takesTokens(schema: z.ZodObject, parameter: string): boolean {
  const shape = schema.shape[parameter] as z.ZodType | undefined
  const { tokens, shell } = shape ? metaOf(shape) : {}
  return tokens !== undefined || shell === true
}

/** Tokens that look like Talon's or a context's and are none, or whose context is not asked for. */
export function checkTokens(
  actionner: Actionner,
  tree: MapTree,
  asked: readonly string[],
  sources: readonly ContextSource[],
): Issue[] {
  const issues: Issue[] = []
  const given = new Map(
    sources.flatMap(({ name, gives }) =>
      Object.keys(gives).flatMap((fact) => [[tokenName(fact) ?? '', name] as const]),
    ),
  )
  for (const [, text] of textsWithTokens(actionner, tree))
    for (const [, written = ''] of text.text.matchAll(/\$\{?((?:FALCO[-_]TALON|NODE|AWS)_[A-Z_]+)/g)) {
      const name = written.replaceAll('-', '_')
      const source = given.get(name)
      if (source !== undefined && !asked.includes(source))
        issues.push(
          issueAt(
            text.place,
            'warning',
            `$${written} needs the context '${source}'`,
            `add: additional_contexts: [${source}]`,
          ),
        )
      else if (source === undefined && !TALON_TOKENS.includes(name))
        issues.push(
          issueAt(
            text.place,
            'warning',
            `$${written} is no token that Talon knows`,
            suggest(name, [...TALON_TOKENS, ...given.keys()]),
          ),
        )
    }
  return issues
}

/** Tokens in program text that a shell would split into words: they are not between double quotes. */
export function checkProgram(actionner: Actionner, tree: MapTree): Issue[] {
  return textsWithTokens(actionner, tree).flatMap(([parameter, { text, place }]) => {
    const shape = actionner.parameters.shape[parameter] as z.ZodType | undefined
    if (!shape || !metaOf(shape).shell) return []
    return [...new Set(unquoted(text))].map((name) =>
      issueAt(
        place,
        'warning',
        `$${name} is not between double quotes: a shell splits its value into words`,
        `write "$${name}"`,
      ),
    )
  })
}

/** Names in upper case with a `_`, as tokens are, that stand outside double quotes and that the program does not set. */
function unquoted(program: string): string[] {
  const found: string[] = []
  let double = false
  for (const [part, , braced, bare] of program.matchAll(
    /\\.|'[^']*'|(")|\$(?:\{([A-Z][A-Z0-9_-]*)\}|([A-Z][A-Z0-9_]*))/gs,
  )) {
    const name = braced ?? bare
    // A single quote inside double quotes opens nothing: what it seems to hold is looked at again.
    if (part === '"') double = !double
    else if (double && part.startsWith("'")) double = (part.split('"').length - 1) % 2 === 0
    else if (name?.includes('_') && !double && !new RegExp(`\\b${name}=`).test(program)) found.push(name)
  }
  return found
}

function textsWithTokens(actionner: Actionner, tree: MapTree): [string, ScalarTree][] {
  const parameters = at(tree, 'parameters')
  if (parameters?.kind !== 'map') return []
  return [...parameters.entries].flatMap(([name, { value }]) =>
    takesTokens(actionner.parameters, name) ? scalars(value).map((text): [string, ScalarTree] => [name, text]) : [],
  )
}

function scalars(tree: Tree): ScalarTree[] {
  if (tree.kind === 'scalar') return [tree]
  return tree.kind === 'list'
    ? tree.items.flatMap(scalars)
    : [...tree.entries.values()].flatMap(({ value }) => scalars(value))
}

/** What can only be seen with all rules in view: rules that never run, that hide others, that lack their fields. */
export function checkRules(rules: readonly Draft[]): Issue[] {
  return rules.flatMap((rule, index) => [...checkReach(rule, rules.slice(0, index)), ...checkSource(rule)])
}

function checkReach(rule: Draft, above: readonly Draft[]): Issue[] {
  const place = at(rule.tree, 'rule')?.place ?? rule.tree.place
  const hiding = above.find(({ planned, match }) => !planned.continue && covers(match, rule.match))
  if (!hiding) return []
  const { rule: name, dryRun } = hiding.planned
  const message =
    dryRun && !rule.planned.dryRun
      ? `this live rule never runs: the dry-run rule '${name}' above it matches the same events and ends the evaluation`
      : `this rule never runs: '${name}' above it matches the same events and ends the evaluation`
  return [issueAt(place, 'warning', message, `set 'continue: true' in '${name}', or move this rule above it`)]
}

/** Fields by the sources that have them. https://falco.org/docs/reference/rules/supported-fields/ */
const FAMILIES: Record<string, RegExp> = {
  syscall: /^(k8s|container|proc|fd|user|group|thread|evt|fs)\./,
  k8s_audit: /^(ka|jevt|evt)\./,
}

function checkSource({ match: { source }, actionners }: Draft): Issue[] {
  const family = source === undefined ? undefined : FAMILIES[source]
  if (!family) return []
  return actionners.flatMap(({ definition, tree }) => {
    const needs = Object.values<Field<unknown>>(definition.needs)
    const lacking = needs.find(({ from, optional }) => !optional && !from.some((name) => family.test(name)))
    const place = at(tree, 'actionner')?.place ?? tree.place
    return lacking
      ? [
          issueAt(
            place,
            'warning',
            `${definition.name} needs ${lacking.from.join(' or ')}, which events of the source ${source} never have`,
          ),
        ]
      : []
  })
}
