import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import tab from '@bomb.sh/tab/commander'
import type { Command } from 'commander'

/** Adds `completion <shell>`, and the hidden command that its script asks for suggestions. */
export function addCompletion(program: Command, argv: readonly string[]): void {
  const root = tab(program, { completionCommandName: 'completion' })
  const typed = argv.at(-1) ?? ''
  for (const name of ['config', 'rules']) {
    const option = root.options.get(name)
    if (!option) continue
    option.handler = (complete) => {
      for (const file of filesLike(typed)) complete(file, '')
    }
    // Options of the program stand after a command too.
    for (const command of root.commands.values()) command.options.set(name, option)
  }
}

/** YAML files and folders below what is typed so far. */
function filesLike(typed: string): string[] {
  const folder = typed.endsWith('/') ? typed : dirname(typed)
  try {
    return readdirSync(folder || '.', { withFileTypes: true }).flatMap((entry) => {
      const path = typed.includes('/') ? join(folder, entry.name) : entry.name
      if (entry.isDirectory()) return [`${path}/`]
      return /\.ya?ml$/.test(entry.name) ? [path] : []
    })
  } catch {
    return []
  }
}
