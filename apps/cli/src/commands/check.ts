import { existsSync } from 'node:fs'
import { firstParty } from '@talon/bundle'
import { CONFIG_FILE, inspect, readSetup } from '@talon/core'
import type { Issue } from '@talon/plugin'
import { issueCommand } from '../issues/github.ts'
import { issueText, paintFor, type Paint } from '../issues/text.ts'
import type { GlobalOptions } from '../command.ts'

interface CheckOptions extends GlobalOptions {
  readonly format?: 'text' | 'json' | 'github'
  readonly strict?: boolean
}

interface Findings {
  readonly errors: number
  readonly warnings: number
  /** Names of the rules files. */
  readonly files: readonly string[]
  /** The config file; absent where there is none. */
  readonly config?: string
  /** How many rules; absent where there are errors. */
  readonly rules?: number
  readonly issues: readonly Issue[]
}

/** Says what is wrong with the config file and the rules: exit status 1 where something is. Opens nothing. */
export async function check({ config, rules, format = 'text', strict = false }: CheckOptions): Promise<number> {
  const setup = await readSetup({
    configPath: config ?? (rules ? undefined : written()),
    rulesPaths: rules,
    env: process.env,
    plugins: await firstParty(),
  })
  const { issues: found, ruleset } = inspect(setup)
  const issues = [...setup.issues, ...found].map((issue) => (strict ? ({ ...issue, level: 'error' } as const) : issue))
  const errors = issues.filter(({ level }) => level === 'error').length
  print(format, {
    errors,
    warnings: issues.length - errors,
    files: setup.rules.map(({ name }) => name),
    ...(setup.configPath !== undefined && { config: setup.configPath }),
    ...(ruleset && !errors && { rules: ruleset.rules.length }),
    issues,
  })
  return errors ? 1 : 0
}

/** What `talon init` has written into this folder, where no file is named and none is installed. */
function written(): string | undefined {
  const file = 'config.yaml'
  return !existsSync(CONFIG_FILE) && existsSync(file) ? file : undefined
}

function print(format: 'text' | 'json' | 'github', findings: Findings): void {
  const { issues } = findings
  if (format === 'json') return console.log(JSON.stringify(findings, null, 2))
  const paint = paintFor(process.stdout)
  for (const issue of issues) console.log(format === 'github' ? issueCommand(issue) : `${issueText(issue, paint)}\n`)
  console.log(summary(findings, paint))
}

function summary({ errors, warnings, files, config, rules }: Findings, paint: Paint): string {
  const where = files.join(', ')
  const unchecked = config ? '' : paint('dim', '; no config file: settings of notifiers and outputs were not checked')
  const counts = [errors && count(errors, 'error'), warnings && count(warnings, 'warning')].filter(Boolean).join(', ')
  if (errors) return `${paint(['bold', 'red'], '✗')} ${counts} in ${config ? `${where}, ${config}` : where}${unchecked}`
  const mark = warnings ? paint(['bold', 'yellow'], '!') : paint(['bold', 'green'], '✓')
  return `${mark} ${count(rules ?? 0, 'rule')}, ${counts || 'nothing wrong'} in ${where}${unchecked}`
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`
