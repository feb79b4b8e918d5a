import type { KindOf } from './kinds.ts'
import type { KubeObject } from './objects.ts'
import { invalid, type Cause } from './status.ts'

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/
const LABEL = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/

const NAME_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const LABEL_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const KEY_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

/** Refuses names, labels and annotations that the API server refuses, in its words. */
export function validate(kind: KindOf, { metadata }: KubeObject): void {
  const causes: Cause[] = []
  const wrong = (field: string, value: string, message: string) =>
    causes.push({ field, reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(value)}: ${message}` })
  const { name, labels = {}, annotations = {} } = metadata
  // Names of roles are path segments, no DNS names.
  if (kind.group !== 'rbac.authorization.k8s.io' && (!NAME.test(name) || name.length > 253))
    wrong('metadata.name', name, NAME_RULE)
  for (const [key, value] of Object.entries(labels)) {
    checkKey('metadata.labels', key)
    if (value.length > 63) wrong('metadata.labels', value, 'must be no more than 63 bytes')
    if (!LABEL.test(value)) wrong('metadata.labels', value, LABEL_RULE)
  }
  for (const key of Object.keys(annotations)) checkKey('metadata.annotations', key)
  if (causes.length) throw invalid(kind.group ? `${kind.kind}.${kind.group}` : kind.kind, name, causes)

  function checkKey(field: string, key: string): void {
    const slash = key.indexOf('/')
    const part = key.slice(slash + 1)
    if (slash >= 0 && !NAME.test(key.slice(0, slash))) wrong(field, key, `prefix part ${NAME_RULE}`)
    if (!part || !LABEL.test(part)) wrong(field, key, KEY_RULE)
    if (part.length > 63) wrong(field, key, 'name part must be no more than 63 bytes')
  }
}
