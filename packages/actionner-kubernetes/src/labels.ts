import { z } from 'zod'

/** A label's key or an annotation's: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const KEY =
  /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
const RULE = "63 letters, digits, '-', '_' and '.' at most, with a letter or digit at both ends"

/** Key of a label or an annotation, with or without a prefix. */
export const metadataKey = z
  .string()
  .max(317, 'is no key: over 317 characters')
  .regex(KEY, `is no key: a DNS name and '/' may stand first, then come ${RULE}`)

/** Value of a label. */
export const labelValue = z.string().regex(VALUE, `is no value of a label: ${RULE}`)

/** What a merge patch makes of it: an empty value removes. */
export function changesOf(values: Readonly<Record<string, string>>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value === '' ? null : value]))
}

type Texts = Readonly<Record<string, string>>

/** Lines `- key=old` and `+ key=new` of what differs, by key; the empty text where nothing does. */
export function differences(before: Texts = {}, after: Texts = {}): string {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted()
  const line = (sign: string, key: string, value: string | undefined) =>
    value === undefined ? [] : [`${sign} ${key}=${value}`]
  return keys
    .filter((key) => before[key] !== after[key])
    .flatMap((key) => [...line('-', key, before[key]), ...line('+', key, after[key])])
    .join('\n')
}
