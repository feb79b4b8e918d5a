import { PRIORITIES, type Event } from '@talon/plugin'
import type { MatchBlock } from './blocks.ts'
import { canonicalSource, priorityOf } from './event.ts'

/** Whether an event meets the `match` of a rule. */
export type Predicate = (event: Event) => boolean

/** One term of `output_fields`: the field is present and its text equals, or it is absent or differs. */
export interface Term {
  readonly field: string
  readonly equals: boolean
  readonly value: string
}

/** The `match` of a rule, read: every criterion given must hold. */
export interface Match {
  readonly rules?: ReadonlySet<string>
  /** Ranks in PRIORITIES. */
  readonly priorities?: ReadonlySet<number>
  readonly source?: string
  /** Any of the lines; all tags of a line. */
  readonly tags?: readonly (readonly string[])[]
  /** Any of the lines; all terms of a line. */
  readonly fields?: readonly (readonly Term[])[]
}

/** A part of `match` that cannot be read: which list, which line, and why. */
export interface MatchIssue {
  readonly path: readonly (string | number)[]
  readonly message: string
  /** What was written in place of a known name. */
  readonly name?: string
}

/** Reads the criteria; what is wrong with them is listed. */
export function readMatch(block: MatchBlock): { readonly match: Match; readonly issues: readonly MatchIssue[] } {
  const issues: MatchIssue[] = []
  const { rules, priority, source, tags, output_fields } = block
  const lines = <T>(list: readonly string[], name: string, read: (line: string) => T[] | string): T[][] =>
    list.flatMap((line, index) => {
      const found = read(line)
      if (typeof found !== 'string') return [found]
      issues.push({ path: [name, index], message: found })
      return []
    })
  const priorities = priority === undefined ? undefined : readPriority(priority)
  if (typeof priorities === 'string')
    issues.push({ path: ['priority'], message: priorities, name: priority?.replace(/^[<>=!]+\s*/, '') ?? '' })
  return {
    issues,
    match: {
      ...(rules?.length && { rules: new Set(rules) }),
      ...(typeof priorities === 'object' && { priorities }),
      ...(source && { source: canonicalSource(source) }),
      ...(tags?.length && { tags: lines(tags, 'tags', readTags) }),
      ...(output_fields?.length && { fields: lines(output_fields, 'output_fields', readTerms) }),
    },
  }
}

const OPERATORS: Record<string, (rank: number, wanted: number) => boolean> = {
  '=': (rank, wanted) => rank === wanted,
  '<': (rank, wanted) => rank < wanted,
  '<=': (rank, wanted) => rank <= wanted,
  '>': (rank, wanted) => rank > wanted,
  '>=': (rank, wanted) => rank >= wanted,
}

function readPriority(text: string): Set<number> | string {
  const [, operator = '', name = ''] = /^\s*([^a-zA-Z\s]*)\s*(.*?)\s*$/.exec(text) ?? []
  const holds = OPERATORS[operator || '=']
  if (!holds) return `'${operator}' is no operator of a priority: =, <, <=, > and >= are`
  const priority = priorityOf(name)
  if (!priority) return `'${name}' is no priority`
  const wanted = PRIORITIES.indexOf(priority)
  return new Set(PRIORITIES.keys().filter((rank) => holds(rank, wanted)))
}

function readTags(line: string): string[] | string {
  const tags = line.split(',').map((tag) => tag.trim())
  return tags.includes('') ? `a tag is empty in '${line}'` : tags
}

function readTerms(line: string): Term[] | string {
  const terms: Term[] = []
  for (const written of splitOutsideQuotes(line)) {
    const term = unquote(written.trim())
    const operator = term.search(/!?=/)
    const field = term.slice(0, Math.max(operator, 0)).trim()
    if (term === '') return `a term is empty in '${line}'`
    if (operator < 0) return `'${term}' has no operator: field=value or field!=value`
    if (field === '') return `'${term}' names no field before its operator`
    if (field.includes('!')) return `'!' stands before '=' alone, as in field!=value: '${term}'`
    if (/[<>~]$/.test(field)) return `'${field.slice(-1)}=' is no operator of a field: = and != are`
    const equals = term[operator] === '='
    terms.push({ field, equals, value: unquote(term.slice(operator + (equals ? 1 : 2)).trim()) })
  }
  return terms
}

/** Splits at commas; a quoted part keeps its own. A quote without its second is a character as any. */
function splitOutsideQuotes(line: string): string[] {
  const parts: string[] = ['']
  for (let i = 0; i < line.length; i++) {
    const end = line[i] === '"' ? line.indexOf('"', i + 1) : -1
    if (line[i] === ',') parts.push('')
    else {
      const last = end > 0 ? end : i
      parts.push(`${parts.pop() ?? ''}${line.slice(i, last + 1)}`)
      i = last
    }
  }
  return parts
}

const unquote = (text: string) => (/^"[^"]*"$/.test(text) ? text.slice(1, -1) : text)

/** Falco's own events match only rules that name their source. */
export const INTERNAL = 'internal'

/** Whether an event meets the criteria. */
export function predicateOf({ rules, priorities, source, tags, fields }: Match): Predicate {
  const ranks = priorities && new Set([...priorities].map((rank) => PRIORITIES[rank]))
  return (event) => {
    if (rules && !rules.has(event.rule)) return false
    if (source === undefined ? event.source === INTERNAL : event.source !== source) return false
    if (ranks && !ranks.has(event.priority)) return false
    if (tags && !tags.some((line) => line.every((tag) => event.tags.includes(tag)))) return false
    return (
      !fields || fields.some((line) => line.every((term) => (event.fields[term.field] === term.value) === term.equals))
    )
  }
}

/** Whether every event that meets `narrow` meets `wide`. Sound, not complete: a yes is sure. */
export function covers(wide: Match, narrow: Match): boolean {
  const within = <T>(outer: ReadonlySet<T> | undefined, inner: ReadonlySet<T> | undefined) =>
    !outer || (inner !== undefined && inner.isSubsetOf(outer))
  // A line that asks for all that another one asks for, and perhaps for more, is within it.
  const sets = (list: readonly (readonly unknown[])[]) =>
    list.map((line) => new Set(line.map((part) => JSON.stringify(part))))
  const linesWithin = (outer?: readonly (readonly unknown[])[], inner?: readonly (readonly unknown[])[]) => {
    if (!outer || !inner) return !outer
    const wanted = sets(outer)
    return sets(inner).every((line) => wanted.some((parts) => parts.isSubsetOf(line)))
  }
  return (
    within(wide.rules, narrow.rules) &&
    within(wide.priorities, narrow.priorities) &&
    (wide.source === undefined ? narrow.source !== INTERNAL : wide.source === narrow.source) &&
    linesWithin(wide.tags, narrow.tags) &&
    linesWithin(wide.fields, narrow.fields)
  )
}
