import type { Issue } from '@talon/plugin'
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node,
  type Pair,
} from 'yaml'
import { issueAt, type Place, type RuleSource, type SourceFile } from './source.ts'

/** What YAML says, each part with its place: blocks of several files can be merged, and errors still point at the line. */
export type Tree = ScalarTree | ListTree | MapTree

export interface ScalarTree {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | bigint | null
  /** As it is written, without quotes: `007`, `yes`, `1.0`. */
  readonly text: string
  readonly place: Place
}
export interface ListTree {
  readonly kind: 'list'
  readonly items: readonly Tree[]
  readonly place: Place
}
export interface MapTree {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
  readonly place: Place
}
export interface Entry {
  /** Place of the key. */
  readonly key: Place
  readonly value: Tree
}

/** An alias may stand for much: no document needs more of them. */
const MAX_ALIASES = 1000

/** Reads a YAML text. What is wrong with it goes to `issues`; undefined where it says nothing. */
export function readTree(source: RuleSource, issues: Issue[]): Tree | undefined {
  const lines = new LineCounter()
  const file: SourceFile = { ...source, lines }
  const documents = [...parseAllDocuments(source.text, { lineCounter: lines, prettyErrors: false, version: '1.2' })]
  const errors = documents.flatMap((one) => one.errors)
  for (const { message, pos } of errors)
    issues.push(issueAt({ file, start: pos[0], end: pos[1] }, 'error', `YAML: ${message}`))
  // A `---` at the end begins an empty document; more than that would be left out without a word.
  const [document, second] = documents.filter(({ contents }) => contents !== null && !isEmpty(contents))
  if (second?.contents)
    issues.push(
      issueAt(
        { file, start: second.contents.range?.[0] ?? 0, end: second.contents.range?.[1] ?? 0 },
        'error',
        "YAML: a second document begins here: remove the line '---' above it",
      ),
    )
  if (errors.length || second || !document?.contents) return undefined
  let aliases = 0
  const count = (place: Place) => {
    if (++aliases > MAX_ALIASES) issues.push(issueAt(place, 'error', `YAML: more than ${MAX_ALIASES} aliases`))
    return aliases <= MAX_ALIASES
  }
  return convert(document.contents, file, document, count)
}

function convert(node: Node, file: SourceFile, document: Document, count: (place: Place) => boolean): Tree {
  const [start = 0, end = start] = node.range ?? []
  const place = { file, start, end }
  if (isAlias(node)) {
    const target = count(place) ? node.resolve(document) : undefined
    return target ? { ...convert(target, file, document, count), place } : scalar(null, '', place)
  }
  if (isMap(node)) {
    const entries = new Map<string, Entry>()
    const merged: Tree[] = []
    for (const pair of node.items) {
      const { key, value } = pair
      if (isMerge(pair)) {
        const from = convert(value as Node, file, document, count)
        merged.push(...(from.kind === 'list' ? from.items : [from]))
        continue
      }
      const [from = start, to = from] = (key as Node).range ?? []
      const keyPlace = { file, start: from, end: to }
      const name = isScalar(key)
        ? typeof key.value === 'string'
          ? key.value
          : (key.source ?? String(key.value))
        : String(key)
      entries.set(name, {
        key: keyPlace,
        value: value ? convert(value as Node, file, document, count) : scalar(null, '', keyPlace),
      })
    }
    for (const tree of merged)
      if (tree.kind === 'map')
        for (const [name, entry] of tree.entries) if (!entries.has(name)) entries.set(name, entry)
    return { kind: 'map', entries, place }
  }
  if (isSeq(node))
    return { kind: 'list', items: node.items.map((item) => convert(item as Node, file, document, count)), place }
  if (!isScalar(node)) return scalar(null, '', place)
  const value = node.value as ScalarTree['value']
  if (value === null) return scalar(null, '', place) // `~` and `null` say as little as nothing
  return scalar(value, typeof value === 'string' ? value : (node.source ?? String(value)), place)
}

const isEmpty = (node: Node) => isScalar(node) && node.value === null

/** `<<: *defaults` takes over the keys of another map; YAML 1.1 has it, and so does the parser that Falco Talon uses. */
function isMerge({ key, value }: Pair): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN' && value !== null
}

const scalar = (value: ScalarTree['value'], text: string, place: Place): ScalarTree => ({
  kind: 'scalar',
  value,
  text,
  place,
})

/** An empty value says nothing: `continue:`. */
export function isUnset(tree: Tree | undefined): boolean {
  return tree === undefined || (tree.kind === 'scalar' && tree.value === null)
}

/** Later scalars replace, lists append, maps merge key by key; what only one of them sets stays. */
export function mergeTrees(earlier: Tree, later: Tree, issues: Issue[]): Tree {
  if (isUnset(later)) return earlier
  if (isUnset(earlier)) return later
  if (earlier.kind === 'scalar' && later.kind === 'scalar') return later
  if (earlier.kind === 'list' && later.kind === 'list')
    return { kind: 'list', items: [...earlier.items, ...later.items], place: later.place }
  if (earlier.kind === 'map' && later.kind === 'map') {
    const entries = new Map(earlier.entries)
    for (const [name, { key, value }] of later.entries) {
      const before = entries.get(name)
      entries.set(name, { key, value: before ? mergeTrees(before.value, value, issues) : value })
    }
    return { kind: 'map', entries, place: later.place }
  }
  const { file, line, column } = issueAt(earlier.place, 'error', '')
  const message = `this is a ${NAMES[later.kind]}, but a ${NAMES[earlier.kind]} in ${file}:${line}:${column}: they cannot be merged`
  issues.push(issueAt(later.place, 'error', message))
  return earlier
}

const NAMES = { scalar: 'single value', list: 'list', map: 'map' } as const

/** The value of a key, where the tree is a map that has it. */
export function at(tree: Tree | undefined, key: string): Tree | undefined {
  const value = tree?.kind === 'map' ? tree.entries.get(key)?.value : undefined
  return isUnset(value) ? undefined : value
}

/** The text of a scalar. */
export function textAt(tree: Tree | undefined, key: string): string | undefined {
  const value = at(tree, key)
  return value?.kind === 'scalar' ? value.text : undefined
}

/** The plain value, as YAML reads it. */
export function plain(tree: Tree): unknown {
  if (tree.kind === 'scalar') return typeof tree.value === 'bigint' ? tree.text : tree.value
  if (tree.kind === 'list') return tree.items.map(plain)
  return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plain(value)]))
}
