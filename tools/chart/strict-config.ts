/** As much of a JSON Schema as is read here. */
export interface Schema {
  readonly [keyword: string]: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

/** Settings that the chart writes itself. */
const OWN = new Set(['rules_files', 'deduplication.address'])
/** How long Kubernetes waits for a pod to end is computed from it. */
const SECONDS = 'shutdown_timeout'

/**
 * The schema of the config file as values have it: no unknown setting is taken, and no secret, since the file is a
 * ConfigMap. The secrets that a file can give are listed by path.
 */
export function strictConfig(schema: Schema): { readonly config: Schema; readonly secrets: readonly string[] } {
  const secrets: string[] = []
  const strict = (at: Schema, path: readonly string[]): Schema => {
    if (!at.properties) return at
    const kept = Object.entries(at.properties).flatMap(([name, one]): [string, Schema][] => {
      const inner = [...path, name]
      const dotted = inner.join('.')
      if (OWN.has(dotted) || (name.endsWith('_file') && at.properties?.[name.slice(0, -'_file'.length)]?.['secret']))
        return []
      if (one['secret'] !== true)
        return [[name, dotted === SECONDS ? { ...one, type: 'number', minimum: 0 } : strict(one, inner)]]
      if (!one['additionalProperties']) secrets.push(dotted)
      return []
    })
    return { ...at, properties: Object.fromEntries(kept), additionalProperties: false }
  }
  const { $schema: _, title: __, ...config } = strict(schema, [])
  return { config: { ...config, type: 'object' }, secrets }
}
