import { readFile } from 'node:fs/promises'

/** The text of the rules to start from: an answer to each stable rule of Falco, all of them a dry run. */
export function starterRules(): Promise<string> {
  return readFile(new URL('../rules/starter.yaml', import.meta.url), 'utf8')
}
