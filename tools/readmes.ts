import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exampleYaml, table } from '@talon/core'
import type { Plugin, Provided } from '@talon/plugin'

const PACKAGES = join(import.meta.dirname, '../packages')
/** From the README of a package. */
const DOCS = '../../docs'

/** Where a definition's page lies, below `docs/`. */
export const pageOf = ({ kind, name }: Provided) => `reference/${kind}s/${name.replace(':', '-')}.md`

/** What npm shows of the packages of plugins: a page each, by its path below `packages/`. */
export function readmes(plugins: readonly Plugin[]): ReadonlyMap<string, string> {
  return new Map(plugins.map((plugin) => [`${plugin.name.replace('@talon/', '')}/README.md`, readme(plugin)]))
}

function readme({ name, provides }: Plugin): string {
  const manifest = readFileSync(join(PACKAGES, name.replace('@talon/', ''), 'package.json'), 'utf8')
  const { description } = JSON.parse(manifest) as { readonly description: string }
  const rows = provides.map((definition) => [
    `[\`${definition.name}\`](${DOCS}/${pageOf(definition)})`,
    definition.summary,
  ])
  const parts = [
    `# ${name}`,
    `${description.replace('Talon', '[Talon](https://github.com/talon-response/talon)')}.`,
    table(['name', 'what it does'], rows),
    example(provides),
    `It ships with Talon's server. Whoever [embeds the engine](${DOCS}/guide/embed-the-core.md) gives the default export of this package to \`createTalon({ plugins })\`.`,
  ]
  return `${parts.join('\n\n')}\n`
}

/** The first example of the first definition that has one, as `talon check` takes it. */
function example([first]: readonly Provided[]): string {
  if (!first) return ''
  if (first.kind === 'context') {
    const facts = Object.keys(first.gives).map((fact) => `\`${fact}\``)
    return `An action that lists \`${first.name}\` in \`additional_contexts\` gets the facts ${facts.join(', ')}.`
  }
  const { title, parameters } = first.examples[0] as { readonly title: string; readonly parameters: object }
  const file = first.kind === 'notifier' ? 'the config file' : 'a rules file'
  return `${title}, in ${file}:\n\n\`\`\`yaml\n${exampleYaml(first, parameters)}\`\`\``
}
