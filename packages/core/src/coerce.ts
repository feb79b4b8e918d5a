import type { Issue } from '@talon/plugin'
import type { z } from 'zod'
import { complaintOf } from './complaint.ts'
import { metaOf } from './meta.ts'
import type { FindRestraint, Restraint } from './restraint.ts'
import { issueAt, suggest, type Place } from './source.ts'
import { isUnset, plain, type Entry, type MapTree, type ScalarTree, type Tree } from './tree.ts'

/** What a tree says, as a schema wants it. */
export interface Coerced {
  /** In the schema's input form: defaults are not filled in. Undefined where an error was found. */
  readonly value: any
  /** The same, as far as it could be read, also where an error was found. */
  readonly partial: any
  readonly issues: readonly Issue[]
  /** Where the value of a path is written, or the nearest above it that is. */
  readonly placeOf: (path: readonly PropertyKey[]) => Place
  /** Where secrets are written, and values that may be meant as one. */
  readonly secrets: readonly Place[]
}

/** Whether an error at this path is none, or will be known only later: a parameter that holds tokens. */
export type Excuse = (path: readonly PropertyKey[], value: unknown) => boolean

/** What goes along while a tree is read. */
interface Reading {
  /** What a key is called in messages. */
  readonly what: string
  readonly restraint: FindRestraint
  readonly issues: Issue[]
  readonly places: Map<string, Place>
  readonly secrets: Place[]
}

type Path = readonly PropertyKey[]
const keyOf = (path: Path) => JSON.stringify(path.map(String))

/**
 * Reads a tree as a schema wants it. A scalar is taken for the type that is wanted where nothing is lost: `"2803"` for a
 * number, `"true"` for a boolean, `8` for a text, a single value for a list of one. An unknown key is a warning, and an error where `restraint` knows it for
 * one whose loss is dangerous.
 */
export function coerce(
  tree: Tree,
  schema: z.ZodType,
  what = 'key',
  excuse: Excuse = () => false,
  restraint: FindRestraint = () => undefined,
): Coerced {
  const reading: Reading = { what, restraint, issues: [], places: new Map(), secrets: [] }
  const { issues, places, secrets } = reading
  const value = take(tree, schema, [], reading)
  const placeOf = (path: Path): Place => {
    for (let length = path.length; length > 0; length--) {
      const place = places.get(keyOf(path.slice(0, length)))
      if (place) return place
    }
    return tree.place
  }
  const said = new Set<string>()
  for (const issue of schema.safeParse(value).error?.issues ?? []) {
    const key = keyOf(issue.path)
    // The first complaint about a value is enough: -1 is below 0, and below 1 too.
    if (said.has(key) || excuse(issue.path, value)) continue
    said.add(key)
    const { message, hint } = complaintOf(issue, value)
    issues.push(issueAt(placeOf(issue.path), 'error', message, hint))
  }
  const wrong = issues.some(({ level }) => level === 'error')
  return { value: wrong ? undefined : value, partial: value, issues, placeOf, secrets }
}

/** The schema inside of defaults, optionals and pipes. */
export function innerOf(schema: any): any {
  const { type, innerType, in: input } = schema.def
  if (innerType) return innerOf(innerType)
  return type === 'pipe' ? innerOf(input) : schema
}

function take(tree: Tree, given: z.ZodType, path: Path, reading: Reading): unknown {
  const schema = innerOf(given)
  const { def } = schema
  if (tree.kind === 'scalar') return isUnset(tree) ? undefined : takeScalar(tree, schema)
  if (def.type === 'union') {
    const fits = def.options.find((option: z.ZodType) => shapeOf(innerOf(option).def.type) === tree.kind)
    return fits ? take(tree, fits, path, reading) : plain(tree)
  }
  if (def.type === 'object' && tree.kind === 'map') return takeObject(tree, def, path, reading)
  if (def.type === 'record') return takeRecord(tree, def.valueType, path, reading)
  if (def.type !== 'array' || tree.kind !== 'list') return plain(tree)
  // An empty item says nothing.
  const items = tree.items.filter((item) => !saysNothing(item))
  return items.map((item, index) => {
    reading.places.set(keyOf([...path, index]), item.place)
    return take(item, def.element, [...path, index], reading)
  })
}

const saysNothing = (tree: Tree) => tree.kind === 'scalar' && tree.text === ''

function takeObject({ entries }: MapTree, def: any, path: Path, reading: Reading): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  const known = Object.keys(def.shape)
  const secret = (key: string) => metaOf(def.shape[key]).secret === true
  for (const [written, entry] of entries) {
    const key = nameOf(written, def.shape, entries)
    if (key !== undefined) {
      note(entry, [...path, key], reading)
      if (secret(key) && !saysNothing(entry.value)) reading.secrets.push(entry.value.place)
      const taken = take(entry.value, def.shape[key], [...path, key], reading)
      if (taken !== undefined) value[key] = taken
    } else if (def.catchall && def.catchall.def.type !== 'never') value[written] = plain(entry.value)
    else {
      const lost = reading.restraint(path, written, entry.value)
      const message = `unknown ${lost?.what ?? reading.what} '${written}'`
      reading.issues.push(
        lost
          ? issueAt(entry.key, 'error', message, warningOf(lost))
          : issueAt(entry.key, 'warning', message, suggest(written, known)),
      )
      if (known.some(secret)) reading.secrets.push(entry.value.place)
    }
  }
  return value
}

const warningOf = ({ meant, without }: Restraint) =>
  `did you mean ${meant}? Without it ${without}; if that is meant, remove this key: Falco Talon ignores it, too`

/** The key that is meant. Case is no difference, as it is none for Falco Talon: `kubeConfig`. */
export function nameOf(written: string, shape: object, entries: ReadonlyMap<string, Entry>): string | undefined {
  if (Object.hasOwn(shape, written)) return written
  const key = Object.keys(shape).find((name) => name.toLowerCase() === written.toLowerCase())
  return key !== undefined && !entries.has(key) ? key : undefined
}

/** In a map of the author's own keys an empty value is a value: a label to remove. Headers may be a list of `name: value`. */
function takeRecord(tree: Tree, schema: z.ZodType, path: Path, reading: Reading): unknown {
  const entries = tree.kind === 'map' ? [...tree.entries] : tree.kind === 'list' ? tree.items.map(pairOf) : []
  if (!entries.every((entry) => entry !== undefined)) return plain(tree)
  return Object.fromEntries(
    entries.map(([key, entry]) => {
      const { value } = entry
      note(entry, [...path, key], reading)
      const empty = saysNothing(value) && innerOf(schema).def.type === 'string'
      return [key, empty ? '' : take(value, schema, [...path, key], reading)]
    }),
  )
}

function pairOf(item: Tree): readonly [string, Entry] | undefined {
  if (item.kind === 'map' && item.entries.size === 1) return [...item.entries][0]
  if (item.kind !== 'scalar') return undefined
  const [, key, text] = /^\s*([^:]+?)\s*:\s*(.*?)\s*$/s.exec(item.text) ?? []
  if (key === undefined || text === undefined) return undefined
  return [key, { key: item.place, value: { kind: 'scalar', value: text, text, place: item.place } }]
}

function note({ key, value }: Entry, path: Path, { places }: Reading): void {
  places.set(keyOf(path), value.kind === 'scalar' && !isUnset(value) ? value.place : key)
}

const shapeOf = (type: string) =>
  type === 'array' ? 'list' : type === 'object' || type === 'record' ? 'map' : 'scalar'

/** What the YAML parser of Falco Talon takes for a boolean; 1 and 0 as environment variables have it. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'on', 'y', '1'].map((text) => [text, true] as const),
  ...['false', 'no', 'off', 'n', '0'].map((text) => [text, false] as const),
])

function takeScalar(tree: ScalarTree, schema: any): unknown {
  const { value, text } = tree
  const { def } = schema
  if (text === '') return undefined
  switch (def.type) {
    case 'string':
    case 'enum':
    case 'template_literal':
      return text
    case 'literal':
      return def.values.includes(value) ? value : text
    case 'number':
      return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : value
    case 'boolean':
      return typeof value === 'string' ? (BOOLEANS.get(text.toLowerCase()) ?? value) : value
    case 'array':
      return [takeScalar(tree, innerOf(def.element))]
    case 'union':
      return takeUnion(tree, def.options)
    default:
      return typeof value === 'bigint' ? text : value
  }
}

/** The first type that takes the value as it is written, else the first that takes it at all. */
function takeUnion(tree: ScalarTree, options: readonly z.ZodType[]): unknown {
  if (options.some((option) => option.safeParse(tree.value).success)) return tree.value
  const taken = options.map((option) => takeScalar(tree, innerOf(option)))
  return taken.find((value, index) => options[index]?.safeParse(value).success) ?? tree.value
}
