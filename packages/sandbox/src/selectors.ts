import type { KindOf } from './kinds.ts'
import type { KubeObject } from './objects.ts'
import { badRequest } from './status.ts'

type Labels = Readonly<Record<string, string>>

/** `a in (b, c)`, `a notin (b)`; `a = b`, `a == b`, `a != b`, `a > 1`, `a < 1`; `a`, `!a`. */
const SET = /^([^\s!=<>(),]+)\s+(in|notin)\s*\(([^()]*)\)$/
const COMPARED = /^([^\s!=<>(),]+)\s*(!=|==|=|>|<)\s*([^\s!=<>(),]*)$/
const NAMED = /^(!?)\s*([^\s!=<>(),]+)$/

/** Labels that an object must have: `a=b,c!=d,e in (f,g),h,!i`. @throws ApiError 400 where it is none */
export function matchesLabels(selector: string | null, labels: Labels = {}): boolean {
  if (!selector?.trim()) return true
  return selector.split(/,(?![^(]*\))/).every((written) => matchesTerm(written.trim(), labels))
}

function matchesTerm(term: string, labels: Labels): boolean {
  const [, setKey, operator, list = ''] = SET.exec(term) ?? []
  if (setKey) {
    const label = labels[setKey]
    const listed = label !== undefined && list.split(',').some((value) => value.trim() === label)
    return listed === (operator === 'in')
  }
  const [, key, sign, value = ''] = COMPARED.exec(term) ?? []
  if (key) {
    const label = labels[key]
    if (sign === '>' || sign === '<')
      return label !== undefined && (sign === '>' ? Number(label) > Number(value) : Number(label) < Number(value))
    return (label === value) === (sign !== '!=')
  }
  const [, not, name] = NAMED.exec(term) ?? []
  if (name) return name in labels === (not === '')
  throw badRequest(`unable to parse requirement: found '${term}', expected: !, identifier, or 'end of string'`)
}

/** A selector as it stands in objects: `{ matchLabels, matchExpressions }`. An empty one matches all. */
export interface LabelSelector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

/** Whether a selector, as objects have it (matchLabels, matchExpressions), takes an object with these labels. */
export function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels = {}): boolean {
  const equal = Object.entries(matchLabels).every(([key, value]) => labels[key] === value)
  return (
    equal &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key in labels
      if (operator === 'DoesNotExist') return !(key in labels)
      const label = labels[key]
      return (label !== undefined && values.includes(label)) === (operator === 'In')
    })
  )
}

const OF_ALL = ['metadata.name', 'metadata.namespace']
const OF_POD = ['spec.nodeName', 'spec.serviceAccountName', 'spec.restartPolicy', 'status.phase', 'status.podIP']
const OF_EVENT = ['name', 'namespace', 'kind', 'uid', 'apiVersion'].map((field) => `involvedObject.${field}`)

/** Fields that a kind can be selected by, besides name and namespace. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  Pod: OF_POD,
  Event: [...OF_EVENT, ...OF_EVENT.map((field) => field.replace('involvedObject', 'regarding')), 'reason', 'type'],
  Node: ['spec.unschedulable'],
  Namespace: ['status.phase'],
  Secret: ['type'],
}

/** Fields that an object must have: `spec.nodeName=node-1,status.phase!=Failed`. @throws ApiError 400 where a kind has no such field */
export function fieldMatcher(selector: string | null, kind: KindOf): (object: KubeObject) => boolean {
  const known = [...OF_ALL, ...(FIELDS[kind.kind] ?? [])]
  const terms = (selector ?? '').split(',').filter(Boolean)
  const read = terms.map((term) => {
    const [, field = '', sign, value = ''] = /^([^!=]+)(!=|==?)(.*)$/.exec(term) ?? []
    if (!sign) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`)
    if (!known.includes(field))
      throw badRequest(
        kind.kind === 'Pod' || kind.kind === 'Event'
          ? `field label not supported: ${field}`
          : `"${field}" is not a known field selector: only ${known.map((name) => `"${name}"`).join(', ')}`,
      )
    return { path: field.split('.'), value, equal: sign !== '!=' }
  })
  return (object) => read.every(({ path, value, equal }) => (textAt(object, path) === value) === equal)
}

function textAt(object: unknown, path: readonly string[]): string {
  const found = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], object)
  return typeof found === 'string' || typeof found === 'boolean' ? String(found) : ''
}
