import type { Actionner, Field, Permissions, PolicyRule } from '@talon/plugin'
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

/** A use of a definition: with it, the parameters that rules give, where they are known. */
export interface Use {
  readonly permissions?: Permissions
  readonly parameters?: Readonly<Record<string, unknown>>
}

/** The least that a role must grant for these uses: one rule for each resource, verbs merged. */
export function policyRules(uses: readonly Use[]): PolicyRule[] {
  const verbs = new Map<string, Set<string>>()
  for (const { permissions, parameters } of uses)
    for (const rule of permissions?.kubernetes ?? []) {
      if (!applies(rule, parameters)) continue
      for (const group of rule.apiGroups)
        for (const resource of rule.resources) {
          const key = JSON.stringify([group, resource])
          verbs.set(key, new Set([...(verbs.get(key) ?? []), ...rule.verbs]))
        }
    }
  return [...verbs]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, set]) => {
      const [group, resource] = JSON.parse(key) as [string, string]
      return { apiGroups: [group], resources: [resource], verbs: [...set].toSorted() }
    })
}

function applies({ when = {} }: PolicyRule, parameters: Use['parameters']): boolean {
  return !parameters || Object.entries(when).every(([name, value]) => parameters[name] === value)
}
