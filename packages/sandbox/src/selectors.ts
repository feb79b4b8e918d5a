import type { KubeObject } from './objects.ts'
import { badRequest } from './status.ts'

/** Labels that an object must have: `a=b,c!=d,e in (f,g),h,!i`. */
export function matchesLabels(selector: string | null, labels: Readonly<Record<string, string>> = {}): boolean {
  if (!selector) return true
  return selector.split(/,(?![^(]*\))/).every((written) => {
    const term = written.trim()
    const [, setKey, operator, list] = /^(\S+)\s+(in|notin)\s+\((.*)\)$/.exec(term) ?? []
    if (setKey && list !== undefined) {
      const listed = list
        .split(',')
        .map((value) => value.trim())
        .includes(labels[setKey] ?? '')
      return operator === 'in' ? setKey in labels && listed : !listed
    }
    const [, key, sign, value] = /^([^!=]+)(!=|==?)(.*)$/.exec(term) ?? []
    if (key && sign) return (labels[key.trim()] === value?.trim()) === (sign !== '!=')
    return term.startsWith('!') ? !(term.slice(1) in labels) : term in labels
  })
}

/** A selector as it stands in objects: `{ matchLabels, matchExpressions }`. An empty one matches all. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

export function selects(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  const equal = Object.entries(matchLabels).every(([key, value]) => labels[key] === value)
  return (
    equal &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key in labels
      if (operator === 'DoesNotExist') return !(key in labels)
      return values.includes(labels[key] ?? '') === (operator === 'In')
    })
  )
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)

const FIELDS: Record<string, (object: KubeObject) => string | undefined> = {
  'metadata.name': ({ metadata }) => metadata.name,
  'metadata.namespace': ({ metadata }) => metadata.namespace,
  'spec.nodeName': ({ spec }) => textOf(spec?.['nodeName']),
  'status.phase': ({ status }) => textOf(status?.['phase']),
  'involvedObject.uid': (object) => (object['involvedObject'] as { uid?: string } | undefined)?.uid,
  'regarding.uid': (object) => (object['regarding'] as { uid?: string } | undefined)?.uid,
}

/** Fields that an object must have: `spec.nodeName=node-1,status.phase!=Failed`. */
export function matchesFields(selector: string | null, object: KubeObject): boolean {
  if (!selector) return true
  return selector.split(',').every((term) => {
    const [, field = '', sign, value] = /^([^!=]+)(!=|==?)(.*)$/.exec(term) ?? []
    const read = FIELDS[field]
    if (!read) throw badRequest(`field label not supported: ${field}`)
    return ((read(object) ?? '') === value) === (sign !== '!=')
  })
}
