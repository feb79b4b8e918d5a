/** The parts of a JSON Schema that have schemas in them, or that change. */
interface Schema {
  readonly [word: string]: unknown
  readonly type?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly then?: Schema
}

const ANYTHING = ['string', 'number', 'boolean', 'null']

/**
 * The JSON Schema of what may stand in a file: `coerce` takes a scalar for the type that is wanted, a single value for a
 * list of one, and an empty value for none. Without it, editors would mark what Talon takes. Draft 7.
 */
export function asWritten(schema: Schema): Record<string, unknown> {
  const { type, properties, items, additionalProperties, anyOf, oneOf, allOf, then, ...rest } = schema
  if (rest.enum) return { ...rest, enum: [...rest.enum, null] }
  if (type === 'string') return { ...rest, type: ANYTHING }
  if (type === 'number' || type === 'integer') return { ...rest, type: [type, 'string', 'null'], pattern: NUMBER }
  if (type === 'boolean') return { ...rest, type: [type, 'string', 'null'], pattern: BOOLEAN }
  if (type === 'array') {
    const item = asWritten(items ?? {})
    const { description, default: value, ...list } = rest
    return {
      ...(description !== undefined && { description }),
      ...(value !== undefined && { default: value }),
      anyOf: [{ ...list, type, items: item }, item],
    }
  }
  const each = (schemas: readonly Schema[]) => schemas.map(asWritten)
  // Headers may be a list of `name: value`.
  const map = typeof additionalProperties === 'object' && !properties
  return {
    ...rest,
    ...(type !== undefined && { type: type === 'object' ? [type, 'null', ...(map ? ['array'] : [])] : type }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, asWritten(property)])),
    }),
    ...(typeof additionalProperties === 'object'
      ? { additionalProperties: asWritten(additionalProperties) }
      : additionalProperties !== undefined && { additionalProperties }),
    ...(anyOf && { anyOf: each(anyOf) }),
    ...(oneOf && { anyOf: each(oneOf) }),
    ...(allOf && { allOf: each(allOf) }),
    // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own word
    ...(then && { then: asWritten(then) }),
  }
}

/** Or a token, whose value is known when an event comes. */
const NUMBER = String.raw`^(-?\d+(\.\d+)?|.*\$.*|)$`
const BOOLEAN = '^([Tt]rue|[Ff]alse|[Yy]es|[Nn]o|[Oo]n|[Oo]ff|[yYnN10]|)$'
