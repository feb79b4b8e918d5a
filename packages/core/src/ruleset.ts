import { hash } from 'node:crypto'
import type { Event } from '@talon/plugin'
import { predicateOf, type Match, type Predicate } from './match.ts'
import type { PlannedRule } from './plan.ts'

export interface CompiledRule {
  readonly match: Match
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

/** Places of rules in the list, by what an event must have for them to match. */
type Index = Map<string, number[]>

/** Puts rules behind an index: each lies under the one criterion that tells most events apart. */
export function createRuleset(given: readonly { readonly match: Match; readonly planned: PlannedRule }[]): Ruleset {
  const rules = given.map(({ match, planned }): CompiledRule => ({ match, planned, matches: predicateOf(match) }))
  const byRule: Index = new Map()
  const byTag: Index = new Map()
  const byField = new Map<string, Index>()
  const bySource: Index = new Map()
  const others: number[] = []

  for (const [place, { match }] of rules.entries()) {
    const { source, tags, fields } = match
    const equal = fields?.map((line) => line.find(({ equals }) => equals))
    if (match.rules) for (const rule of match.rules) add(byRule, rule, place)
    else if (equal && equal.every((term) => term !== undefined))
      for (const { field, value } of equal) {
        if (!byField.has(field)) byField.set(field, new Map())
        add(byField.get(field)!, value, place)
      }
    else if (tags) for (const [tag = ''] of tags) add(byTag, tag, place)
    else if (source !== undefined) add(bySource, source, place)
    else others.push(place)
  }

  return {
    hash: hash('sha256', JSON.stringify(rules.map(({ match, planned }) => [describe(match), planned]))),
    rules,
    candidates(event) {
      const lists = [byRule.get(event.rule), bySource.get(event.source), others.length ? others : undefined]
      if (byTag.size) for (const tag of event.tags) lists.push(byTag.get(tag))
      for (const [field, index] of byField) lists.push(index.get(event.fields[field] ?? ''))
      const found = lists.filter((list) => list !== undefined)
      const places = found.length === 1 ? found[0]! : [...new Set(found.flat())].toSorted((a, b) => a - b)
      return places.map((place) => rules[place]!)
    },
  }
}

function add(index: Index, key: string, place: number): void {
  const places = index.get(key)
  if (!places) index.set(key, [place])
  else if (places.at(-1) !== place) places.push(place)
}

/** Sets become lists, so that JSON shows what is in them. */
function describe({ rules, priorities, ...rest }: Match): object {
  return { ...rest, rules: rules && [...rules], priorities: priorities && [...priorities] }
}
