import { defineClient, namespace, type Report } from '@talon/plugin'
import { z } from 'zod'

/** Namespaces that become values of a label. Each is a stream of its own in Loki, and events may name any number. */
const LIMIT = 1000
/** Stands in for the rest. */
const OTHER = 'other'

/** The namespaces that labels have named so far. */
export interface Namespaces {
  /** The label's value for a report; undefined where it is about no namespace. */
  of(report: Report): string | undefined
}

/** Bounds the label `namespace` for as long as the engine lives. */
export const lokiNamespaces = defineClient({
  name: 'loki_namespaces',
  summary: 'Keeps the number of streams in Loki bounded, whatever events say',
  settings: z.object({}),
  open: (): Namespaces => boundNamespaces(LIMIT),
})

/** Beyond `limit` different names the label says `other`. */
export function boundNamespaces(limit: number): Namespaces {
  const known = new Set<string>()
  return {
    of({ objects, event }) {
      const named = objects['namespace'] || namespace.from.map((field) => event.fields[field]).find(Boolean)
      if (!named) return undefined
      const isName = namespace.schema.safeParse(named).success
      if (!known.has(named) && (!isName || known.size >= limit)) return OTHER
      known.add(named)
      return named
    },
  }
}
