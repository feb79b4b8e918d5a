import { ConfigError } from '@talon/plugin'
import type { z } from 'zod'
import { metaOf } from './meta.ts'
import { expand, expandSegments, programOf, type Tokens } from './tokens.ts'

/** Parameters with the event's values in them, checked, and the variables that program text names. */
export interface Resolved {
  readonly parameters: unknown
  readonly variables: Readonly<Record<string, string>>
}

/**
 * Replaces tokens where a parameter says that it takes them, and checks the result again: an event's value must fit
 * the schema as the author's own text does.
 * @throws EventError, ConfigError
 */
export function resolveParameters(
  schema: z.ZodObject,
  given: Readonly<Record<string, unknown>>,
  tokens: () => Tokens,
): Resolved {
  const parameters: Record<string, unknown> = { ...given }
  const variables: Record<string, string> = {}
  for (const [name, parameter] of Object.entries<z.ZodType>(schema.shape)) {
    const meta = metaOf(parameter)
    if (parameters[name] === undefined) continue
    if (meta.shell === true)
      parameters[name] = mapText(parameters[name], (text) => {
        const program = programOf(text, tokens())
        Object.assign(variables, program.variables)
        return program.text
      })
    else if (meta.tokens === 'text') parameters[name] = mapText(parameters[name], (text) => expand(text, tokens()))
    else if (meta.tokens === 'segment')
      parameters[name] = mapText(parameters[name], (text) => expandSegments(text, tokens()))
  }
  const parsed = schema.safeParse(parameters)
  if (parsed.success) return { parameters: parsed.data, variables }
  throw new ConfigError(
    parsed.error.issues.map(({ path, message }) => ({
      level: 'error',
      message: `parameter ${path.join('.')}: ${message}`,
    })),
  )
}

function mapText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => mapText(item, change))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapText(item, change)]))
  return value
}
