// Writes docs/reference, docs/schema and the READMEs of plugins from the definitions: `npm run reference`. With --check it
// says what is stale.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { firstParty } from '@talon/bundle'
import {
  configSchema,
  exampleYaml,
  Host,
  inspect,
  markdown,
  parametersOf,
  readConfig,
  rulesSchema,
  settingsReference,
  table,
} from '@talon/core'
import type { Client, Provided } from '@talon/plugin'
import { pageOf, readmes } from './readmes.ts'

const ROOT = join(import.meta.dirname, '..')
const KINDS = ['actionner', 'output', 'notifier', 'context'] as const
const NOTE = '<!-- Written by `npm run reference`: change the definition, not this page. -->\n\n'

const host = new Host()
const plugins = await firstParty()
for (const plugin of plugins) host.add(plugin)

/** By their paths. */
const pages = new Map<string, string>()
for (const [path, text] of readmes(plugins)) pages.set(`packages/${path}`, NOTE + text)
const index: string[] = ['# Reference']
for (const kind of KINDS) {
  const definitions: Provided[] = host.list(kind)
  for (const definition of definitions) pages.set(`docs/${pageOf(definition)}`, NOTE + markdown(definition))
  const rows = definitions.map((definition) => [
    `[\`${definition.name}\`](${pageOf(definition).slice('reference/'.length)})`,
    definition.summary,
  ])
  index.push(
    `## ${kind === 'context' ? 'Contexts' : `${kind[0]?.toUpperCase()}${kind.slice(1)}s`}`,
    rows.length ? table(['name', 'does'], rows) : 'None yet.',
  )
}
index.push('## Configuration', 'The settings of the config file are on [a page of their own](configuration.md).')
index.push('## Schemas', 'For editors: [rules files](../schema/rules.json), [config files](../schema/config.json).')
pages.set('docs/reference/README.md', `${NOTE}${index.join('\n\n')}\n`)
pages.set('docs/reference/configuration.md', NOTE + settingsReference() + connections(settingsReference()))
pages.set('docs/schema/rules.json', `${JSON.stringify(rulesSchema(host), undefined, 2)}\n`)
pages.set('docs/schema/config.json', `${JSON.stringify(configSchema(host), undefined, 2)}\n`)

/** Settings of connections that core's own page does not have. */
function connections(known: string): string {
  const uses = KINDS.flatMap((kind) => host.list(kind)).flatMap((definition): Client[] =>
    Object.values(definition.uses),
  )
  const clients = [...new Set(uses)].filter(({ name }) => !known.includes(`\`${name}.`) && name !== 'kubernetes')
  const rows = clients.flatMap(({ name, settings }) =>
    parametersOf(settings).map(({ name: setting, type, default: value, description, secret }) => [
      `\`${name}.${setting}\``,
      type,
      value === undefined ? '' : `\`${JSON.stringify(value)}\``,
      secret ? `${description} (secret)` : description,
    ]),
  )
  return `\n## Connections of plugins\n\nSections of their own, for those that more than one plugin may use.\n\n${table(['setting', 'type', 'default', 'meaning'], rows)}\n`
}

/** What `talon check` would say of the examples of the pages: nothing. */
function wrongExamples(): string[] {
  const definitions = [...host.list('actionner'), ...host.list('output'), ...host.list('notifier')]
  return definitions.flatMap((definition) =>
    definition.examples.flatMap(({ title, parameters }: { title: string; parameters: object }) => {
      const example = { name: `${definition.name} '${title}'`, text: exampleYaml(definition, parameters) }
      const isConfig = definition.kind === 'notifier'
      const { config, issues } = readConfig({ env: {}, definitions: host, ...(isConfig && { file: example }) })
      const inspected = inspect({ plugins, rules: isConfig ? [] : [example], config, checkSettings: false })
      return [...issues, ...inspected.issues].map(({ file, line, message }) => `${file}, line ${line}: ${message}`)
    }),
  )
}

const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
const stale = [...pages].filter(([page, text]) => read(join(ROOT, page)) !== text).map(([page]) => page)
if (process.argv.includes('--check')) {
  const wrong = wrongExamples()
  for (const line of wrong) console.error(`an example is wrong: ${line}`)
  for (const page of stale) console.error(`${page} is stale: run 'npm run reference'`)
  console.log(`reference: ${pages.size} pages, ${stale.length} stale, ${wrong.length} wrong examples`)
  process.exitCode = stale.length || wrong.length ? 1 : 0
} else {
  for (const folder of ['docs/reference', 'docs/schema']) rmSync(join(ROOT, folder), { recursive: true, force: true })
  for (const [page, text] of pages) {
    mkdirSync(dirname(join(ROOT, page)), { recursive: true })
    writeFileSync(join(ROOT, page), text)
  }
  console.log(`reference: ${pages.size} pages written`)
}
