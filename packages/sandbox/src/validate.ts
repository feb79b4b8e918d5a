import type { KindOf } from './kinds.ts'
import { networkPolicyCauses } from './networkpolicy.ts'
import type { KubeObject } from './objects.ts'
import { badRequest, invalid, wrongValue, type Cause } from './status.ts'

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const NAME_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/

const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const DNS_LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const PART_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

/** Kinds whose names are labels of a DNS name, not whole names. */
const SHORT_NAMED = new Set(['Namespace', 'Service'])

/** All annotations of an object, keys and values. */
const ANNOTATIONS_LIMIT = 256 * 1024

/** Refuses names, labels, annotations and network policies that the API server refuses, in its words. @throws ApiError */
export function validate(kind: KindOf, { metadata, spec }: KubeObject): void {
  const causes = [
    ...nameCauses(kind, metadata.name),
    ...labelCauses(kind, 'metadata.labels', metadata.labels),
    ...annotationCauses(kind, metadata.annotations),
  ]
  const template = spec?.['template'] as Partial<KubeObject> | undefined
  if (kind.group === 'apps' || kind.group === 'batch')
    causes.push(...labelCauses(kind, 'spec.template.labels', template?.metadata?.labels))
  if (kind.kind === 'NetworkPolicy' && kind.group === 'networking.k8s.io')
    causes.push(...networkPolicyCauses(spec ?? {}, (field, labels) => labelCauses(kind, field, labels)))
  if (causes.length) throw invalid(kind, metadata.name, causes)
}

function nameCauses({ kind, group }: KindOf, name: string): Cause[] {
  const field = 'metadata.name'
  if (!name)
    return [{ field, reason: 'FieldValueRequired', message: 'Required value: name or generateName is required' }]
  // Names of roles and bindings are path segments, no DNS names.
  if (group === 'rbac.authorization.k8s.io')
    return /[/%]|^\.\.?$/.test(name) ? [wrongValue(field, name, 'may not contain "/" or "%"')] : []
  if (SHORT_NAMED.has(kind)) {
    if (name.length > 63) return [wrongValue(field, name, 'must be no more than 63 characters')]
    if (SUBDOMAIN.test(name) && name.includes('.')) return [wrongValue(field, name, 'must not contain dots')]
    return DNS_LABEL.test(name) ? [] : [wrongValue(field, name, DNS_LABEL_RULE)]
  }
  if (name.length > 253) return [wrongValue(field, name, 'must be no more than 253 characters')]
  return SUBDOMAIN.test(name) ? [] : [wrongValue(field, name, SUBDOMAIN_RULE)]
}

/** A name that becomes part of a host name. */
export function dnsLabelCauses(field: string, name: string): Cause[] {
  const causes = name.length > 63 ? [wrongValue(field, name, 'must be no more than 63 bytes')] : []
  return DNS_LABEL.test(name) ? causes : [...causes, wrongValue(field, name, DNS_LABEL_RULE)]
}

function labelCauses(kind: KindOf, field: string, labels: unknown): Cause[] {
  return entries(kind, labels, 'labels').flatMap(([key, value]) => {
    const causes = keyCauses(field, key)
    if (Buffer.byteLength(value) > 63) causes.push(wrongValue(field, value, 'must be no more than 63 bytes'))
    if (value !== '' && !NAME_PART.test(value)) causes.push(wrongValue(field, value, VALUE_RULE))
    return causes
  })
}

function annotationCauses(kind: KindOf, annotations: unknown): Cause[] {
  const all = entries(kind, annotations, 'annotations')
  const size = all.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  const field = 'metadata.annotations'
  const causes = all.flatMap(([key]) => keyCauses(field, key.toLowerCase(), key))
  if (size > ANNOTATIONS_LIMIT)
    causes.push({
      field,
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${ANNOTATIONS_LIMIT} bytes`,
    })
  return causes
}

/** The key of a label or an annotation: an optional DNS name and a slash, then a name. */
function keyCauses(field: string, key: string, written = key): Cause[] {
  const wrong = (why: string) => wrongValue(field, written, why)
  const parts = key.split('/')
  if (parts.length > 2)
    return [
      wrong(`a valid label key ${PART_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`),
    ]
  const [name = '', prefix] = parts.toReversed()
  const causes: Cause[] = []
  if (prefix === '') causes.push(wrong('prefix part must be non-empty'))
  else if (prefix !== undefined && !SUBDOMAIN.test(prefix)) causes.push(wrong(`prefix part ${SUBDOMAIN_RULE}`))
  else if (prefix !== undefined && Buffer.byteLength(prefix) > 253)
    causes.push(wrong('prefix part must be no more than 253 bytes'))
  if (name === '') causes.push(wrong('name part must be non-empty'))
  else if (Buffer.byteLength(name) > 63) causes.push(wrong('name part must be no more than 63 bytes'))
  if (!NAME_PART.test(name)) causes.push(wrong(`name part ${PART_RULE}`))
  return causes
}

/** The entries of a map of texts. Another type is refused before anything is validated, as the API server decodes first. */
function entries({ kind }: KindOf, map: unknown, field: string): [string, string][] {
  if (map === undefined || map === null) return []
  const all: [string, unknown][] = Object.entries(map)
  for (const [, value] of all)
    if (typeof value !== 'string')
      throw badRequest(
        `${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal ${typeName(value)} into Go struct field ObjectMeta.metadata.${field} of type string`,
      )
  return all as [string, string][]
}

const typeName = (value: unknown) => {
  if (typeof value === 'boolean') return 'bool'
  if (Array.isArray(value)) return 'array'
  return typeof value
}
