import type { Actionner, ContextSource, Field, Issue } from '@talon/plugin'
import { distance } from 'fastest-levenshtein'
import type { z } from 'zod'
import type { Draft } from './draft.ts'
import { covers, INTERNAL } from './match.ts'
import { metaOf } from './meta.ts'
import { namesIn, unquoted, type Found } from './program.ts'
import { issueAt, nearest, suggest, type Place } from './source.ts'
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
  const given = new Map(
    sources.flatMap(({ name, gives }) =>
      Object.keys(gives).flatMap((fact) => [[tokenName(fact) ?? '', name] as const]),
    ),
  )
  const known = [...TALON_TOKENS, ...given.keys()]
  return textsWithTokens(actionner, tree).flatMap(([, { text, place }]) =>
    namesIn(text).flatMap((found) => {
      const name = found.name.replaceAll('-', '_')
      const source = given.get(name)
      const at = placeOf(found, text, place)
      if (source !== undefined)
        return asked.includes(source)
          ? []
          : [
              issueAt(
                at,
                'warning',
                `${found.written} needs the context '${source}'`,
                `add: additional_contexts: [${source}]`,
              ),
            ]
      if (TALON_TOKENS.includes(name)) return []
      // NODE_ENV and AWS_PROFILE may be the pod's own: only what is nearly a token is doubtful.
      const meant = name.startsWith('FALCO_TALON_') ? suggest(name, known) : near(name, known)
      return meant === undefined ? [] : [issueAt(at, 'warning', `${found.written} is no token that Talon knows`, meant)]
    }),
  )
}

/** Letters that a name may be off from a token to be taken for it. */
const SLIP = 2
function near(name: string, known: readonly string[]): string | undefined {
  const meant = /^(NODE|AWS)_/.test(name) ? known.find((token) => distance(token, name) <= SLIP) : undefined
  return meant && `did you mean '${meant}'?`
}

/** Tokens in program text that a shell would split into words: they are not between double quotes. */
export function checkProgram(actionner: Actionner, tree: MapTree): Issue[] {
  return textsWithTokens(actionner, tree).flatMap(([parameter, { text, place }]) => {
    const shape = actionner.parameters.shape[parameter] as z.ZodType | undefined
    if (!shape || !metaOf(shape).shell) return []
    return unquoted(text).map((found) =>
      issueAt(
        placeOf(found, text, place),
        'warning',
        `${found.written} is not between double quotes: a shell splits its value into words`,
        `write "${found.written}"`,
      ),
    )
  })
}

/** Where a name stands in the file, of all places where the text writes it. */
function placeOf({ written, index }: Found, text: string, place: Place): Place {
  const before = text.slice(0, index).split(written).length
  let start = place.start - 1
  for (let n = 0; n < before; n++) start = place.file.text.indexOf(written, start + 1)
  return start < place.start || start >= place.end ? place : { ...place, start, end: start + written.length }
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
  const enders = new Enders()
  return rules.flatMap((rule) => {
    const issues = [...checkReach(rule, enders.above(rule)), ...checkSource(rule)]
    if (!rule.planned.continue) enders.add(rule)
    return issues
  })
}

/** Rules that end the evaluation, by a part of what they match: of thousands, few may hide one rule. */
class Enders {
  readonly #byPart = new Map<string, Draft[]>()

  add(rule: Draft): void {
    const { rules, fields, tags } = rule.match
    const parts = rules
      ? [...rules].map((name) => JSON.stringify([name]))
      : (fields ?? tags)?.map(([part]) => JSON.stringify(part))
    for (const part of new Set(parts ?? [''])) {
      const list = this.#byPart.get(part)
      if (list) list.push(rule)
      else this.#byPart.set(part, [rule])
    }
  }

  /** What may hide this rule: it asks for no more than this one does, so for nothing that this one does not ask for. */
  above({ match: { rules, fields, tags } }: Draft): readonly Draft[] {
    const [name] = rules ?? []
    const parts = [...(fields?.[0] ?? []), ...(tags?.[0] ?? [])].map((part) => JSON.stringify(part))
    const keys = new Set(['', ...(name === undefined ? [] : [JSON.stringify([name])]), ...parts])
    return [...keys].flatMap((part) => this.#byPart.get(part) ?? [])
  }
}

function checkReach(rule: Draft, above: readonly Draft[]): Issue[] {
  const place = at(rule.tree, 'rule')?.place ?? rule.tree.place
  const hiding = above.find(({ match }) => covers(match, rule.match))
  if (!hiding) return []
  const { rule: name, dryRun } = hiding.planned
  const message =
    dryRun && !rule.planned.dryRun
      ? `this live rule never runs: the dry-run rule '${name}' above it matches the same events and ends the evaluation`
      : `this rule never runs: '${name}' above it matches the same events and ends the evaluation`
  return [issueAt(place, 'warning', message, `set 'continue: true' in '${name}', or move this rule above it`)]
}

/** A source may be any plugin's. One that is nearly Falco's own is a slip, and its rule would never match. */
function checkSlip(source: string, rule: MapTree): Issue[] {
  const meant = nearest(source, [...Object.keys(FAMILIES), INTERNAL])
  const place = at(at(rule, 'match'), 'source')?.place ?? rule.place
  if (meant === undefined || meant === source) return []
  return [issueAt(place, 'warning', `'${source}' is no source of Falco's own`, `did you mean '${meant}'?`)]
}

/** Fields by the sources that have them. https://falco.org/docs/reference/rules/supported-fields/ */
const FAMILIES: Record<string, RegExp> = {
  syscall: /^(k8s|container|proc|fd|user|group|thread|evt|fs)\./,
  k8s_audit: /^(ka|jevt|evt)\./,
}

function checkSource({ match: { source }, actionners, tree }: Draft): Issue[] {
  const family = source === undefined ? undefined : FAMILIES[source]
  if (!family) return source === undefined ? [] : checkSlip(source, tree)
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
