/** As much of a JSON Schema as is read here. */
export interface Schema {
  readonly [keyword: string]: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
}

/** Settings that the chart writes itself; `auth` and `tls` have values of their own. */
const OWN = new Set(['rules_files', 'deduplication.address', 'auth', 'tls'])
/** Settings that go into the pods as well: numbers, and nothing that stands for one. */
const NUMBERS: Readonly<Record<string, Schema>> = {
  listen_port: { type: 'integer', minimum: 1 },
  // How long Kubernetes waits for a pod to end is computed from it.
  shutdown_timeout: { type: 'number', minimum: 0 },
}

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
      if (OWN.has(dotted) || isFileOf(at, name)) return []
      if (one['secret'] !== true)
        return [[name, dotted in NUMBERS ? { ...one, ...NUMBERS[dotted] } : strict(one, inner)]]
      if (!one['additionalProperties']) secrets.push(dotted)
      return []
    })
    return { ...at, properties: Object.fromEntries(kept), additionalProperties: false }
  }
  const { $schema: _, title: __, ...config } = strict(schema, [])
  return { config: { ...config, type: 'object' }, secrets }
}

/** What the schema of the config file does not know: no setting comes in past its check. */
export function unknownConfig({ properties = {} }: Schema): Schema {
  const none = (known: object) =>
    Object.fromEntries(Object.keys(known).map((name): [string, Schema] => [name, { not: {} }]))
  const { notifiers, ...others } = properties
  const theirs: Schema = { type: 'object', properties: none(notifiers?.properties ?? {}) }
  return { type: 'object', properties: { ...none(others), notifiers: theirs } }
}

/** One of auth.clients, each of its secrets being what `secret` describes. */
export function clientWith(schema: Schema, secret: Schema): Schema {
  const clients = schema.properties?.['auth']?.properties?.['clients']
  const client = clients?.anyOf?.find(({ items }) => items)?.items
  if (!client?.properties) throw new Error('auth.clients of the config file is no list of maps any more')
  const kept = Object.entries(client.properties)
    .filter(([name]) => !isFileOf(client, name))
    .map(([name, one]) => [name, one['secret'] === true ? secret : one] as const)
  return { ...client, type: 'object', properties: Object.fromEntries(kept), additionalProperties: false }
}

const isFileOf = ({ properties }: Schema, name: string) =>
  name.endsWith('_file') && properties?.[name.slice(0, -'_file'.length)]?.['secret'] === true
