import type { Actionner, Field } from '@talon/plugin'
import { z } from 'zod'
import { metaOf } from './meta.ts'

/** One parameter of a definition, for listings and documentation. */
export interface Parameter {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly default: unknown
  readonly description: string
  readonly secret: boolean
}

/** JSON Schema of what may be written for a schema, draft 7. */
export function jsonSchema(schema: z.ZodType): Record<string, any> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' })
  return rest
}

/** The parameters of a definition, in their order. */
export function parametersOf(parameters: z.ZodObject): Parameter[] {
  const { properties = {}, required = [] } = jsonSchema(parameters)
  return Object.entries<Record<string, any>>(properties).map(([name, schema]) => ({
    name,
    type: typeOf(schema),
    required: required.includes(name),
    default: schema['default'],
    description: schema['description'] ?? '',
    secret: metaOf(parameters.shape[name] as z.ZodType).secret ?? false,
  }))
}

function typeOf(schema: Record<string, any>): string {
  if (schema['enum']) return schema['enum'].join(', ')
  if (schema['const'] !== undefined) return String(schema['const'])
  const options = schema['anyOf'] ?? schema['oneOf']
  if (options) return [...new Set(options.map(typeOf))].join(' or ')
  if (schema['type'] === 'array') return `list of ${typeOf(schema['items'] ?? {})}`
  if (schema['type'] === 'object' && schema['additionalProperties'])
    return `map of ${typeOf(schema['additionalProperties'])}`
  return schema['type'] ?? 'any'
}

/** The fields of an event that a definition needs: of each, the alternatives in order of trust. */
export function fieldsOf({
  needs,
}: Pick<Actionner, 'needs'>): { readonly from: readonly string[]; readonly optional: boolean }[] {
  return Object.values<Field<unknown>>(needs).map(({ from, optional = false }) => ({ from, optional }))
}
