import { configSchema, type Host } from '@talon/core'
import { stringify } from 'yaml'

/** What JSON Schema says of a setting, as far as it is written out here. */
interface Setting {
  readonly description?: string
  readonly default?: unknown
  readonly secret?: boolean
  readonly enum?: readonly (string | null)[]
  readonly properties?: Readonly<Record<string, Setting>>
}

const HEAD = `# The configuration of Talon.
#
# Lines that begin with ## explain, lines that begin with # are settings that have their default: remove the # to change
# one, and that of the section that it stands in. A setting without a value has none.
#
# Each is a variable of the environment too, in upper case with _ for the dots: DEDUPLICATION_TIME_WINDOW_SECONDS=10. The
# environment wins over this file. A secret is better kept in a file of its own: webhook_url_file: /run/secrets/slack, or
# NOTIFIERS_SLACK_WEBHOOK_URL_FILE.
#
#     talon check -c config.yaml       says what is wrong
#     talon server -c config.yaml      takes events
`

/**
 * A config file with every setting of Talon and of the plugins, each a comment with its default.
 * @param given settings that are no comment: what differs from the defaults
 */
export function configFile(host: Host, given: Readonly<Record<string, unknown>>): string {
  const { properties = {} } = configSchema(host) as Setting
  const blocks = Object.entries(properties).flatMap(([name, setting]) =>
    name in given
      ? [`## ${setting.description}\n${stringify({ [name]: given[name] })}`]
      : (blockOf(name, setting, 0) ?? []),
  )
  return [HEAD, ...blocks].join('\n')
}

function blockOf(name: string, setting: Setting, depth: number): string | undefined {
  const indent = '  '.repeat(depth)
  const head = `##${indent} ${setting.description}${choices(setting)}${setting.secret ? '. A secret' : ''}\n`
  if (!setting.properties) return `${head}# ${indent}${name}:${shown(setting.default)}\n`
  const { properties } = setting
  const inner = Object.entries(properties).flatMap(([key, one]) =>
    // The path of a secret's file is said once, above.
    key.endsWith('_file') && properties[key.slice(0, -'_file'.length)]?.secret
      ? []
      : (blockOf(key, one, depth + 1) ?? []),
  )
  return inner.length ? `${head}# ${indent}${name}:\n${inner.join('')}` : undefined
}

function choices(setting: Setting): string {
  const values = setting.enum?.filter((value) => value !== null) ?? []
  return values.length ? ` (${values.join(', ')})` : ''
}

const shown = (value: unknown) => (value === undefined ? '' : ` ${JSON.stringify(value)}`)
