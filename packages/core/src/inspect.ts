import type { Client, Issue, Logger, Plugin } from '@talon/plugin'
import type { z } from 'zod'
import { complaintOf } from './complaint.ts'
import { compile, type Compiled, type RuleSource } from './compile.ts'
import type { Config, Locate } from './config.ts'
import { variableOf } from './environment.ts'
import { Host } from './host.ts'
import type { Ruleset } from './ruleset.ts'
import { clientsOf } from './uses.ts'

export interface InspectOptions {
  readonly plugins: readonly Plugin[]
  /** The rules files: each one's name and text. */
  readonly rules: readonly RuleSource[]
  readonly config: Config
  /** Clients of one's own, in place of what Talon would open. */
  readonly provide?: readonly (readonly [Client, unknown])[]
  readonly log?: Logger
  /** False where there is no config file to check: settings of notifiers and clients are taken as they are. */
  readonly checkSettings?: boolean
  /** What was found in the config file when it was read: it is not said again. */
  readonly issues?: readonly Issue[]
  /** Finds a setting in the config file, for what is wrong with it. */
  readonly locate?: Locate
}

export interface Inspection {
  readonly host: Host
  /** Everything that is wrong or doubtful, in the order of the files. */
  readonly issues: readonly Issue[]
  /** Absent where an issue is an error. */
  readonly ruleset?: Ruleset
  /** Compiles other rules for the same plugins and configuration. */
  compile(rules: readonly RuleSource[]): Compiled
}

/** Puts plugins, rules and configuration together and says what is wrong with them. Opens nothing. */
export function inspect({
  plugins,
  rules,
  config,
  provide = [],
  log,
  checkSettings = true,
  issues: known = [],
  locate = () => ({}),
}: InspectOptions): Inspection {
  const host = new Host({ settings: (client) => config.sections[client], ...(log && { log }) })
  for (const plugin of plugins) host.add(plugin)
  for (const [client, value] of provide) host.provide(client, value)
  const compileRules = (sources: readonly RuleSource[]): Compiled => {
    const { ruleset, issues } = compile(sources, host, config)
    if (!ruleset || !checkSettings) return { issues, ...(ruleset && { ruleset }) }
    const wrong = settingIssues(ruleset, host, { config, locate }, new Set(provide.map(([client]) => client.name)))
    const fresh = wrong.filter((issue) => !known.some((one) => isSame(one, issue)))
    return { issues: [...issues, ...fresh], ...(!wrong.length && { ruleset }) }
  }
  const compiled = compileRules(rules)
  return { host, ...compiled, issues: [...host.doubts, ...compiled.issues], compile: compileRules }
}

const isSame = (one: Issue, other: Issue) =>
  one.message === other.message && one.file === other.file && one.line === other.line && one.column === other.column

/** What the rules need and the configuration does not give: a notifier's URL, a client's endpoint. */
function settingIssues(
  ruleset: Ruleset,
  host: Host,
  { config, locate }: { readonly config: Config; readonly locate: Locate },
  provided: ReadonlySet<string>,
): Issue[] {
  const notifiers = new Set(ruleset.rules.flatMap(({ planned }) => planned.notifiers))
  const sections: [string, z.ZodObject, unknown][] = []
  for (const name of notifiers) {
    const definition = host.find('notifier', name)
    if (definition) sections.push([`notifiers.${name}`, definition.parameters, config.notifiers[name]])
  }
  for (const client of clientsOf(ruleset, host))
    if (!provided.has(client.name)) sections.push([client.name, client.settings, config.sections[client.name]])
  return sections.flatMap(([name, schema, given]) =>
    (schema.safeParse(given ?? {}).error?.issues ?? []).map((issue): Issue => {
      const path = [...name.split('.'), ...issue.path]
      const { message, hint: meant } = complaintOf(issue, given ?? {})
      const missing = message.endsWith(' is missing')
      const hint = missing ? `set it in the config file, or ${variableOf(path)} in the environment` : meant
      const said = `${name}${issue.path.length ? '.' : ': '}${message}${missing ? ': the rules use it' : ''}`
      return { level: 'error', message: said, ...(hint && { hint }), ...locate(path) }
    }),
  )
}
