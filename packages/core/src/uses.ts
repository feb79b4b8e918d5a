import type { Client } from '@talon/plugin'
import type { Host } from './host.ts'
import type { Ruleset } from './ruleset.ts'

/** The clients that a ruleset needs, each once: opened before its first event, and asked by `/readyz`. */
export function clientsOf(ruleset: Ruleset, host: Pick<Host, 'find'>): Client[] {
  const clients = new Map<string, Client>()
  const add = (definition: { readonly uses: Readonly<Record<string, Client>> } | undefined) => {
    for (const client of Object.values(definition?.uses ?? {})) clients.set(client.name, client)
  }
  for (const { planned } of ruleset.rules) {
    for (const notifier of planned.notifiers) add(host.find('notifier', notifier))
    for (const { actionner, output, contexts } of planned.steps) {
      add(host.find('actionner', actionner))
      if (output) add(host.find('output', output.target))
      for (const context of contexts) add(host.find('context', context))
    }
  }
  return [...clients.values()]
}
