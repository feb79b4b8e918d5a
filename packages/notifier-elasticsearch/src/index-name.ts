import { z } from 'zod'

/** How many characters of a date each suffix shows. */
const LENGTH = { daily: 10, monthly: 7, annually: 4, none: 0 } as const
/** How often a new index begins. */
export type Suffix = keyof typeof LENGTH
export const suffixes = Object.keys(LENGTH) as Suffix[]

/** A name of an index, with room for a suffix; https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-create */
export const indexName = z
  .string()
  .regex(/^[^-_+.\p{Lu}\\/*?"<>| ,#:\p{Cc}][^\p{Lu}\\/*?"<>| ,#:\p{Cc}]*$/u, 'is no name of an index: see its rules')
  .refine((name) => Buffer.byteLength(name) <= 244, 'is longer than 244 bytes')

/** The index of a report: its suffix is the UTC date of the report, so that a late report finds the same index again. */
export function indexOf(index: string, suffix: Suffix, time: string): string {
  const date = new Date(time).toISOString().slice(0, LENGTH[suffix]).replaceAll('-', '.')
  return date ? `${index}-${date}` : index
}
