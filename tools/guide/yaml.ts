import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { firstParty } from '@talon/bundle'
import { Host, inspect, readConfig } from '@talon/core'
import { Ajv } from 'ajv'
import { parseAllDocuments } from 'yaml'
import { FOREIGN, settingsOf } from './foreign.ts'
import { ROOT } from './pages.ts'

/**
 * What is wrong with a YAML block, a line each. What it is, its first line says (`# falco.yaml`; `# values.yaml` is
 * that of Talon's own chart), or its content: a list of rules and actions, a config file, a manifest of Kubernetes.
 */
export async function faultsOf(text: string): Promise<string[]> {
  const documents = parseAllDocuments(text)
  const errors = documents.flatMap(({ errors }) => errors.map(({ message }) => message))
  if (errors.length) return errors
  const values = documents.map((document): unknown => document.toJS())
  const title = /^# (.+?)(?::.*)?$/m.exec(text.split('\n')[0] ?? '')?.[1] ?? ''
  const foreign = FOREIGN[title]
  if (foreign) return unknownIn(values, foreign).map((name) => `${title} has no ${name}`)
  if (title === 'values.yaml') return valuesFaults(values)
  if (values.every(isManifest)) return []
  return Array.isArray(values[0]) ? rulesFaults(text) : configFaults(text)
}

const unknownIn = (values: readonly unknown[], known: readonly string[]) =>
  values.flatMap((value) => settingsOf(value)).filter((name) => !known.includes(name))

function valuesFaults(values: readonly unknown[]): string[] {
  const schema = JSON.parse(readFileSync(join(ROOT, 'apps/server/chart/values.schema.json'), 'utf8')) as object
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema)
  return values.flatMap((value) =>
    validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`),
  )
}

const isManifest = (value: unknown) =>
  typeof value === 'object' && value !== null && 'apiVersion' in value && 'kind' in value

/** As `talon check --strict` sees them, without a config file. */
async function rulesFaults(text: string): Promise<string[]> {
  const { config } = readConfig({ env: {} })
  const rules = [{ name: 'rules.yaml', text }]
  const { issues } = inspect({ plugins: await firstParty(), rules, config, checkSettings: false })
  return issues.map(({ line, message }) => `line ${line}: ${message}`)
}

/** As `talon check --strict` sees it. Files of secrets are taken for given. */
async function configFaults(text: string): Promise<string[]> {
  const host = new Host()
  const plugins = await firstParty()
  for (const plugin of plugins) host.add(plugin)
  const readFile = () => 'https://example.org/a-secret-of-many-characters'
  const { config, issues, locate } = readConfig({
    file: { name: 'config.yaml', text },
    env: {},
    definitions: host,
    readFile,
  })
  // Third parties' plugins and their settings are not at hand.
  const own = issues.filter(({ message }) => !config.plugins.length || !message.startsWith('unknown setting'))
  const rules = [{ name: 'rules.yaml', text: '[]' }]
  const found = inspect({ plugins, rules, config, locate }).issues.filter(({ file }) => file !== 'rules.yaml')
  return [...own, ...found].map(({ line, message }) => `line ${line}: ${message}`)
}
