import { isMap, MERGE_KEYS } from './merge.ts'
import type { Json, KubeObject } from './objects.ts'

/** A field by its way from the top, each step as FieldsV1 writes it: `f:data`, `k:{"name":"a"}`. */
export type Path = readonly string[]
export type Fields = Map<string, { readonly path: Path; readonly value: unknown }>

/** What the API server writes itself, or what names the object: nobody's. */
const NOBODYS = new Set(['apiVersion', 'kind'])
const OWNABLE_META = new Set(['labels', 'annotations', 'finalizers', 'ownerReferences', 'generateName'])

/** Every leaf of an object. An item of a list that merges by key is told apart by its key. */
export function fieldsOf(object: KubeObject): Fields {
  const found: Fields = new Map()
  const add = (path: Path, value: unknown) => found.set(JSON.stringify(path), { path, value })
  const walk = (value: unknown, path: Path, field: string): void => {
    const key = MERGE_KEYS[field]
    if (Array.isArray(value) && key !== undefined && value.every((item) => isMap(item) && item[key] !== undefined))
      for (const item of value as Json[]) walk(item, [...path, `k:${JSON.stringify({ [key]: item[key] })}`], '')
    else if (isMap(value) && Object.keys(value).length)
      for (const [name, inner] of Object.entries(value)) {
        if (path.length === 0 && NOBODYS.has(name)) continue
        if (path.length === 1 && path[0] === 'f:metadata' && !OWNABLE_META.has(name)) continue
        walk(inner, [...path, `f:${name}`], name)
      }
    else if (path.length > 1 || !isMap(value)) add(path, value)
  }
  walk(object, [], '')
  return found
}

/** The FieldsV1 of some paths. */
export function treeOf(paths: readonly Path[]): Json {
  const tree: Json = {}
  for (const path of paths) {
    let at = tree
    for (const step of path) at = (at[step] ??= {}) as Json
  }
  return tree
}

/** The paths in a FieldsV1. */
export function pathsOf(tree: Json, path: Path = [], found = new Map<string, Path>()): Map<string, Path> {
  const steps = Object.entries(tree)
  if (!steps.length && path.length) found.set(JSON.stringify(path), path)
  for (const [step, inner] of steps) pathsOf(inner as Json, [...path, step], found)
  return found
}

/** Takes a field away, and an item of a list with its last field but the key. */
export function remove(at: unknown, [step = '', ...rest]: Path): void {
  if (step.startsWith('k:') && Array.isArray(at)) {
    const [[key, value] = ['', undefined]] = Object.entries(JSON.parse(step.slice(2)) as Json)
    const place = at.findIndex((item) => isMap(item) && item[key] === value)
    if (place < 0) return
    if (rest.length === 1 && rest[0] === `f:${key}`) at.splice(place, 1)
    else remove(at[place], rest)
  } else if (isMap(at)) {
    const name = step.slice(2)
    if (rest.length) remove(at[name], rest)
    else delete at[name]
  }
}

/** `.spec.containers[name="a"].image`, as conflicts name a field. */
export const written = (path: Path) =>
  path
    .map((step) => {
      if (step.startsWith('f:')) return `.${step.slice(2)}`
      const [[key, value] = []] = Object.entries(JSON.parse(step.slice(2)) as Json)
      return `[${key}=${JSON.stringify(value)}]`
    })
    .join('')
