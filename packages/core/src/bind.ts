import type { Actionner, Output } from '@talon/plugin'
import { takesTokens } from './checks.ts'
import { coerce, type Coerced } from './coerce.ts'
import type { MapTree, Tree } from './tree.ts'

export interface BindOptions {
  /** Where the definition is named: what is missing is told there. */
  readonly named: Tree
  /** A rule may still give what is missing. */
  readonly lenient: boolean
}

/** Reads parameters as the definition's schema wants them. Values that hold tokens are checked when they are known. */
export function bindParameters(
  { name, parameters }: Pick<Actionner | Output, 'name' | 'parameters'>,
  given: Tree | undefined,
  { named, lenient }: BindOptions,
): Pick<Coerced, 'value' | 'issues'> {
  const nothing: MapTree = { kind: 'map', entries: new Map(), place: named.place }
  const { value, issues } = coerce(given ?? nothing, parameters, `parameter of ${name}`, ([parameter], all) => {
    const written: unknown = (all as Record<PropertyKey, unknown>)?.[parameter ?? '']
    if (lenient && written === undefined) return true
    return takesTokens(parameters, String(parameter)) && JSON.stringify(written ?? '').includes('$')
  })
  const told = issues.map((issue) =>
    issue.level === 'error' ? { ...issue, message: `${name}: ${issue.message}` } : issue,
  )
  return { value, issues: told }
}
