import { firstParty } from '@talon/bundle'
import { fieldsOf, Host, jsonSchema, readSetup } from '@talon/core'
import type { Actionner, Notifier, Output } from '@talon/plugin'
import type { GlobalOptions } from '../command.ts'
import { printTable } from '../table.ts'

type Kind = 'actionner' | 'output' | 'notifier'

interface ListOptions extends GlobalOptions {
  readonly format?: 'table' | 'json'
}

/** Lists what rules may name; what plugins of the config file provide is among it. */
export function list(kind: Kind): (options: ListOptions) => Promise<number> {
  return async ({ config, format }) => {
    const { plugins } = await readSetup({
      configPath: config,
      rulesPaths: [],
      env: process.env,
      plugins: await firstParty(),
    })
    const host = new Host()
    for (const plugin of plugins) host.add(plugin)
    const definitions: (Actionner | Output | Notifier)[] = host.list(kind)
    if (format === 'json') console.log(JSON.stringify(definitions.map(factsOf), null, 2))
    else printTable(definitions.map(columnsOf))
    return 0
  }
}

/** What a program wants to know of a definition: its parameters as JSON Schema. */
function factsOf(definition: Actionner | Output | Notifier): object {
  const { name, summary, notes, parameters, permissions, examples } = definition
  const own =
    definition.kind === 'actionner'
      ? {
          effect: definition.effect,
          continue: definition.continue,
          output: definition.output,
          repeatable: definition.repeatable,
          needs: fieldsOf(definition),
        }
      : {}
  return { name, summary, notes, ...own, parameters: jsonSchema(parameters), permissions, examples }
}

function columnsOf(definition: Actionner | Output | Notifier): Record<string, string> {
  const { name, summary, parameters } = definition
  const names = Object.keys(parameters.shape as object).join(', ') || 'none'
  const facts = definition.kind === 'actionner' ? { EFFECT: definition.effect, ARTIFACT: definition.output } : {}
  return { NAME: name, ...facts, SUMMARY: summary, [definition.kind === 'notifier' ? 'SETTINGS' : 'PARAMETERS']: names }
}
