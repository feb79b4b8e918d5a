import { hash } from 'node:crypto'
import type { Event } from '@talon/plugin'
import { predicateOf, type Match, type Predicate } from './match.ts'
import type { PlannedRule } from './planned.ts'

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

/** What an event must have for a rule to match: the Falco rule, a tag, its source, a field's value. */
type Key = `${'rule' | 'tag' | 'source' | `field ${string}`}=${string}`

/** Puts rules behind an index: each lies under the one criterion that tells most events apart. */
export function createRuleset(given: readonly { readonly match: Match; readonly planned: PlannedRule }[]): Ruleset {
  const rules = given.map(({ match, planned }): CompiledRule => ({ match, planned, matches: predicateOf(match) }))
  const choices = rules.map(({ match }) => choicesOf(match))
  const frequency = new Map<Key, number>()
  for (const key of choices.flat(3)) frequency.set(key, (frequency.get(key) ?? 0) + 1)
  const weight = (key: Key) => frequency.get(key) ?? 0

  /** Places of rules in the list. */
  const index = new Map<Key, number[]>()
  const fields = new Set<string>()
  const others: number[] = []
  for (const [place, alternatives] of choices.entries()) {
    const rarest = alternatives.map((lines) => lines.map((line) => least(line, weight)))
    const keys = least(rarest, (line) => Math.max(...line.map(weight)))
    if (!keys) others.push(place)
    for (const key of new Set(keys)) {
      const places = index.get(key)
      if (places) places.push(place)
      else index.set(key, [place])
      if (key.startsWith('field ')) fields.add(key.slice('field '.length, key.indexOf('=')))
    }
  }

  return {
    hash: hash('sha256', JSON.stringify(rules.map(({ match, planned }) => [describe(match), planned]))),
    rules,
    candidates(event) {
      const found = [others, index.get(`rule=${event.rule}`), index.get(`source=${event.source}`)]
      for (const tag of event.tags) found.push(index.get(`tag=${tag}`))
      for (const field of fields) found.push(index.get(`field ${field}=${event.fields[field] ?? ''}`))
      const lists = found.filter((list) => list?.length)
      const places = lists.length > 1 ? [...new Set(lists.flat())].toSorted((a, b) => a! - b!) : (lists[0] ?? [])
      return places.values().map((place) => rules[place!]!)
    },
  }
}

/**
 * The ways to find a rule: of each criterion its alternatives, of each alternative the keys that all must hold. A rule is
 * found by one key of each alternative of one criterion.
 */
function choicesOf({ rules, source, tags, fields }: Match): Key[][][] {
  const choices: Key[][][] = []
  if (rules) choices.push([...rules].map((rule): Key[] => [`rule=${rule}`]))
  const equal = fields?.map((line) =>
    line.flatMap(({ field, value, equals }): Key[] => (equals ? [`field ${field}=${value}`] : [])),
  )
  if (equal?.every((line) => line.length)) choices.push(equal)
  if (tags) choices.push(tags.map((line) => line.map((tag): Key => `tag=${tag}`)))
  if (source !== undefined) choices.push([[`source=${source}`]])
  return choices
}

function least<T>(list: readonly T[], weight: (item: T) => number): T {
  return list.reduce((best, item) => (weight(item) < weight(best) ? item : best), list[0]!)
}

/** Sets become lists, so that JSON shows what is in them. */
function describe({ rules, priorities, ...rest }: Match): object {
  return { ...rest, rules: rules && [...rules], priorities: priorities && [...priorities] }
}
