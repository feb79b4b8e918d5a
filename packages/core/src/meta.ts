import type { z } from 'zod'

/** What a parameter says of itself with `.meta()`. */
export interface ParameterMeta {
  /** Never shown. */
  readonly secret?: boolean
  /** Tokens are replaced: as they are, or each by one clean path segment. */
  readonly tokens?: 'text' | 'segment'
  /** Program text: tokens reach the shell as variables. */
  readonly shell?: boolean
}

const KEYS = ['secret', 'tokens', 'shell']

/** The meta of a parameter, also where a default or an optional stands around it. */
export function metaOf(schema: z.ZodType): ParameterMeta {
  const meta = schema.meta()
  if (meta && KEYS.some((key) => key in meta)) return meta as ParameterMeta
  return 'unwrap' in schema && typeof schema.unwrap === 'function' ? metaOf(schema.unwrap()) : {}
}
