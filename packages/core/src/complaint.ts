import type { z } from 'zod'
import { nearest } from './source.ts'

/** What zod found wrong, in words for the author of a file. `whole` is the value that was checked. */
export function complaintOf(
  issue: z.core.$ZodIssue,
  whole: unknown,
): { readonly message: string; readonly hint?: string } {
  const name = issue.path.map(String).join('.')
  const value = issue.path.reduce<unknown>((inside, key) => (inside as Record<PropertyKey, unknown>)?.[key], whole)
  if (value === undefined && issue.code !== 'custom' && name) return { message: `${name} is missing` }
  const said = name ? `${name}: ${sayOf(issue)}` : sayOf(issue)
  const near = issue.code === 'invalid_value' ? nearest(String(value), issue.values.map(String)) : undefined
  return { message: said, ...(near !== undefined && { hint: `did you mean '${near}'?` }) }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
}

/** How zod's own messages begin. */
const GENERAL = /^(Invalid|Too) /

function sayOf(issue: z.core.$ZodIssue): string {
  const { message } = issue
  // What a plugin says itself is said better than we could.
  if (!GENERAL.test(message)) return message
  if (issue.code === 'invalid_type') return `must be ${TYPES[issue.expected] ?? `of type ${issue.expected}`}`
  if (issue.code === 'invalid_value') return `must be ${listOf(issue.values.map(String))}`
  if (issue.code === 'too_small' && isNumber(issue))
    return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
  if (issue.code === 'too_big' && isNumber(issue))
    return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`
  if (issue.code !== 'invalid_union') return message
  const firsts = issue.errors.flatMap(([first]) => first ?? [])
  const own = firsts.filter(({ message }) => !GENERAL.test(message))
  const reasons = (own.length ? own : firsts).map(sayOf)
  return reasons.length ? [...new Set(reasons)].join(', or ') : message
}

const isNumber = ({ origin }: { readonly origin: string }) => origin === 'number' || origin === 'int'

const listOf = (words: readonly string[]) =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
