import type { Attributes } from '@opentelemetry/api'

/** Labels by what chooses their values: the rules do, and are few; the event does, and may be anything. */
export interface Labels {
  /** From the rules and from fixed lists. */
  readonly own: Readonly<Record<string, string>>
  /** From the event: names of Falco rules, pods, namespaces. */
  readonly foreign: Readonly<Record<string, string>>
}

/** Stands in for every foreign value once a metric has no room for more. */
const OTHER = 'other'

/** Characters of a foreign value at most. */
const LENGTH = 128

/**
 * Bounds the series of one metric for as long as the process lives. The SDK's own limit counts anew after each scrape,
 * so 10,000 pods would become 10,000 series over time. Beyond the bound the foreign labels say `other`: sums by rule,
 * actionner and status stay right.
 * @param onOverflow told of each measurement that lost its foreign labels
 */
export function boundSeries(limit: number, onOverflow: () => void): (labels: Labels) => Attributes {
  const known = new Map<string, Attributes>()
  return ({ own, foreign }) => {
    const values = [...Object.values(foreign).map(cut), ...Object.values(own)]
    const key = JSON.stringify(values)
    const found = known.get(key)
    if (found) return found
    if (known.size >= limit) {
      onOverflow()
      return { ...Object.fromEntries(Object.keys(foreign).map((name) => [name, OTHER])), ...own }
    }
    const names = [...Object.keys(foreign), ...Object.keys(own)]
    const attributes = Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
    known.set(key, attributes)
    return attributes
  }
}

const cut = (value: string) => (value.length > LENGTH ? value.slice(0, LENGTH) : value)
