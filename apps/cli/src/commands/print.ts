import { printRules, readSetup } from '@talon/core'
import { issueText, paintFor } from '../issues/text.ts'
import type { GlobalOptions } from '../command.ts'

/** Prints the rules of all files as one file would say them; what hinders that goes to standard error. */
export async function print({ config, rules }: GlobalOptions): Promise<number> {
  const setup = await readSetup({ configPath: config, rulesPaths: rules, env: process.env, plugins: [] })
  const { yaml, issues } = printRules(setup.rules)
  for (const issue of issues) console.error(issueText(issue, paintFor(process.stderr)))
  const wrong = issues.some(({ level }) => level === 'error')
  if (!wrong) process.stdout.write(yaml)
  return wrong ? 1 : 0
}
