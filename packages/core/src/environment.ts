import { messageOf, type Issue } from '@talon/plugin'
import { LineCounter } from 'yaml'
import type { z } from 'zod'
import { innerOf, nameOf } from './coerce.ts'
import { metaOf } from './meta.ts'
import { issueAt, type Place } from './source.ts'
import type { Entry, ListTree, MapTree, ScalarTree, Tree } from './tree.ts'

export interface OverlayOptions {
  readonly schema: z.ZodObject
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile?: (path: string) => string
}

/** Names of the environment that mean a setting by another name, by spec section 7. */
const ALIASES: Record<string, string> = { AWS_EXTERNAL_ID: 'AWS_ROLE_EXTERNAL_ID' }
/** Where EKS gives the pod an identity, these are the SDK's. */
const IDENTITY = 'AWS_WEB_IDENTITY_TOKEN_FILE'
const SDK_OWNS = new Set(['AWS_ROLE_ARN', IDENTITY])
/** Every program follows it, for http:// alone; the setting of that name is for all that is sent. */
const PROXY = 'HTTP_PROXY'

/**
 * Lays the environment over the file: `DEDUPLICATION_TIME_WINDOW_SECONDS` over `deduplication.time_window_seconds`.
 * A secret may come from a file: `NAME_FILE`, or the key with `_file`. A variable that is no setting is nobody's business.
 */
export function overlay(tree: MapTree, options: OverlayOptions, issues: Issue[]): MapTree {
  return walk(tree, options.schema, [], options, issues)
}

function walk(
  tree: MapTree,
  schema: z.ZodObject,
  path: readonly string[],
  options: OverlayOptions,
  issues: Issue[],
): MapTree {
  const entries = new Map<string, Entry>()
  for (const [written, entry] of tree.entries)
    entries.set(nameOf(written, schema.shape, tree.entries) ?? written, entry)
  for (const [key, wanted] of Object.entries<z.ZodType>(schema.shape)) {
    const inner = innerOf(wanted)
    const here = [...path, key]
    if (inner.def.type === 'object') {
      const before = entries.get(key)
      const below: MapTree =
        before?.value.kind === 'map' ? before.value : { kind: 'map', entries: new Map(), place: tree.place }
      if (before && before.value.kind !== 'map') continue
      const laid = walk(below, inner as z.ZodObject, here, options, issues)
      if (before || laid.entries.size) entries.set(key, { key: before?.key ?? tree.place, value: laid })
      continue
    }
    const found = fromEnvironment(here, wanted, options, issues) ?? fromFile(entries, key, wanted, options, issues)
    if (found) entries.set(key, { key: found.place, value: found })
  }
  return { ...tree, entries }
}

/** The variable that says a setting: `NOTIFIERS_SLACK_WEBHOOK_URL`. */
export function variableOf(path: readonly PropertyKey[]): string {
  const usual = path.map(String).join('_').toUpperCase()
  return ALIASES[usual] ?? usual
}

function fromEnvironment(
  path: readonly string[],
  wanted: z.ZodType,
  { env, readFile }: OverlayOptions,
  issues: Issue[],
): Tree | undefined {
  const name = variableOf(path)
  if (name === PROXY || (SDK_OWNS.has(name) && env[IDENTITY])) return undefined
  const value = env[name]
  if (value !== undefined && value !== '') return valueTree(name, value, wanted)
  const file = env[`${name}_FILE`]
  return file && metaOf(wanted).secret ? secretTree(`${name}_FILE`, file, readFile, issues) : undefined
}

/** `webhook_url_file: /run/secrets/x` beside `webhook_url`. */
function fromFile(
  entries: Map<string, Entry>,
  key: string,
  wanted: z.ZodType,
  { readFile }: OverlayOptions,
  issues: Issue[],
): Tree | undefined {
  const entry = entries.get(`${key}_file`)
  if (!entry || !metaOf(wanted).secret || entry.value.kind !== 'scalar') return undefined
  entries.delete(`${key}_file`)
  const { text, place } = entry.value
  try {
    const value = readFile?.(text).trimEnd() ?? ''
    return { kind: 'scalar', value, text: value, place }
  } catch (error) {
    issues.push(issueAt(place, 'error', `${key}_file: ${text} cannot be read: ${messageOf(error)}`))
    return undefined
  }
}

function secretTree(
  name: string,
  path: string,
  readFile: OverlayOptions['readFile'],
  issues: Issue[],
): Tree | undefined {
  try {
    return scalarTree(name, readFile?.(path).trimEnd() ?? '')
  } catch (error) {
    issues.push({
      level: 'error',
      file: `environment variable ${name}`,
      message: `${path} cannot be read: ${messageOf(error)}`,
    })
    return undefined
  }
}

/** A list is comma separated there; a map is written as `name:value` pairs. */
function valueTree(name: string, value: string, wanted: z.ZodType): Tree {
  const { type } = innerOf(wanted).def
  const parts = value.split(',').map((part) => part.trim())
  if (type === 'array') {
    const items = parts.filter(Boolean).map((part) => scalarTree(name, part))
    return { kind: 'list', items, place: placeOf(name) } satisfies ListTree
  }
  if (type !== 'record') return scalarTree(name, value)
  const entries = parts.map((part): [string, Entry] => {
    const colon = part.indexOf(':')
    const inner = scalarTree(name, part.slice(colon + 1).trim())
    return [part.slice(0, colon).trim(), { key: inner.place, value: inner }]
  })
  return { kind: 'map', entries: new Map(entries), place: placeOf(name) }
}

function scalarTree(name: string, text: string): ScalarTree {
  return { kind: 'scalar', value: text, text, place: placeOf(name) }
}

/** An issue of a variable shows its name; the value may be a secret. */
function placeOf(name: string): Place {
  const lines = new LineCounter()
  lines.addNewLine(0)
  return { file: { name: `environment variable ${name}`, text: name, lines }, start: 0, end: name.length }
}
