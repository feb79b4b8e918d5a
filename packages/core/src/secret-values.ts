import type { z } from 'zod'
import { innerOf } from './coerce.ts'
import { schemaWith, type Config, type ConfigOptions } from './config.ts'
import { metaOf } from './meta.ts'

/** Every secret that the settings hold, as text: what no log line and no span may show. */
export function secretValues(config: Config, definitions: ConfigOptions['definitions']): string[] {
  const { sections, ...settings } = config
  return [...new Set(within({ ...settings, ...sections }, schemaWith(definitions), false))]
}

function within(value: unknown, schema: z.ZodType | undefined, secret: boolean): string[] {
  const hidden = secret || (schema !== undefined && metaOf(schema).secret === true)
  if (typeof value === 'string') return hidden && value ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  const def = schema && innerOf(schema).def
  return Object.entries(value).flatMap(([key, inner]) => within(inner, def?.shape?.[key] ?? def?.valueType, hidden))
}
