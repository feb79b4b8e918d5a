import type { Issue } from '@talon/plugin'
import type { z } from 'zod'
import { issueAt, suggest } from './source.ts'
import { isUnset, placeAt, plain, type ScalarTree, type Tree } from './tree.ts'

/** What a tree says, as a schema wants it. */
export interface Coerced {
  /** In the schema's input form: defaults are not filled in. Undefined where an error was found. */
  readonly value: any
  readonly issues: readonly Issue[]
}

/** Whether an error at this path is one, or will be known only later: a parameter that holds tokens. */
export type Excuse = (path: readonly PropertyKey[], value: unknown) => boolean

/**
 * Reads a tree as a schema wants it. A scalar is taken for the type that is wanted where nothing is lost: `"2803"` for a
 * number, `"true"` for a boolean, `8` for a text, a single value for a list of one. An unknown key is a warning.
 */
export function coerce(tree: Tree, schema: z.ZodType, what = 'key', excuse: Excuse = () => false): Coerced {
  const issues: Issue[] = []
  const value = take(tree, schema, issues, what)
  const parsed = schema.safeParse(value)
  for (const issue of parsed.error?.issues ?? []) {
    if (excuse(issue.path, value)) continue
    issues.push(issueAt(placeAt(tree, issue.path), 'error', messageOf(issue)))
  }
  return { value: issues.some(({ level }) => level === 'error') ? undefined : value, issues }
}

function messageOf({ path, message, code, ...issue }: z.core.$ZodIssue): string {
  const name = path.map(String).join('.')
  const missing = code === 'invalid_type' && /received undefined/.test(message)
  if (missing) return `${name} is missing`
  const expected = code === 'invalid_type' && 'expected' in issue ? `must be a ${String(issue.expected)}` : message
  return name ? `${name}: ${expected}` : expected
}

/** The schema inside of defaults, optionals and pipes. */
export function innerOf(schema: any): any {
  const { type, innerType, in: input } = schema.def
  if (innerType) return innerOf(innerType)
  return type === 'pipe' ? innerOf(input) : schema
}

function take(tree: Tree, given: z.ZodType, issues: Issue[], what: string): unknown {
  const schema = innerOf(given)
  const { def } = schema
  if (def.type === 'union' && tree.kind !== 'scalar') {
    const fits = def.options.find((option: z.ZodType) => shapeOf(innerOf(option).def.type) === tree.kind)
    return fits ? take(tree, fits, issues, what) : plain(tree)
  }
  if (tree.kind === 'scalar') return isUnset(tree) ? undefined : takeScalar(tree, schema)
  if (tree.kind === 'list')
    return def.type === 'array' ? tree.items.map((item) => take(item, def.element, issues, what)) : plain(tree)
  if (def.type === 'record')
    return Object.fromEntries(
      [...tree.entries].map(([key, { value }]) => [key, takeEntry(value, def.valueType, issues, what)]),
    )
  if (def.type !== 'object') return plain(tree)
  const value: Record<string, unknown> = {}
  for (const [key, entry] of tree.entries) {
    const wanted = def.shape[key]
    if (wanted) {
      const taken = take(entry.value, wanted, issues, what)
      if (taken !== undefined) value[key] = taken
    } else if (def.catchall && def.catchall.def.type !== 'never') value[key] = plain(entry.value)
    else issues.push(issueAt(entry.key, 'warning', `unknown ${what} '${key}'`, suggest(key, Object.keys(def.shape))))
  }
  return value
}

/** In a map of the author's own keys an empty value is a value: a label to remove. */
function takeEntry(tree: Tree, schema: z.ZodType, issues: Issue[], what: string): unknown {
  if (tree.kind === 'scalar' && tree.text === '' && innerOf(schema).def.type === 'string') return ''
  return take(tree, schema, issues, what)
}

const shapeOf = (type: string) =>
  type === 'array' ? 'list' : type === 'object' || type === 'record' ? 'map' : 'scalar'

function takeScalar(tree: ScalarTree, schema: any): unknown {
  const { value, text } = tree
  const { def } = schema
  switch (def.type) {
    case 'string':
    case 'enum':
    case 'literal':
    case 'template_literal':
      return text === '' ? undefined : def.type === 'literal' && def.values.includes(value) ? value : text
    case 'number':
      if (typeof value === 'number') return value
      if (text === '') return undefined
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : value
    case 'boolean':
      if (text === '') return undefined
      return text === 'true' ? true : text === 'false' ? false : value
    case 'array':
      return text === '' ? undefined : [takeScalar(tree, innerOf(def.element))]
    case 'union':
      return takeUnion(tree, def.options)
    default:
      return typeof value === 'bigint' ? text : value
  }
}

/** The first type that takes the value as it is written, else the first that takes it at all. */
function takeUnion(tree: ScalarTree, options: readonly z.ZodType[]): unknown {
  if (tree.text === '') return undefined
  if (options.some((option) => option.safeParse(tree.value).success)) return tree.value
  const taken = options.map((option) => takeScalar(tree, innerOf(option)))
  return taken.find((value, index) => options[index]?.safeParse(value).success) ?? tree.value
}
