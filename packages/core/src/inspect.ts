import type { Client, Issue, Logger, Plugin } from '@talon/plugin'
import { compile, type RuleSource } from './compile.ts'
import type { Config } from './config.ts'
import { Host } from './host.ts'
import type { Ruleset } from './ruleset.ts'

export interface InspectOptions {
  readonly plugins: readonly Plugin[]
  /** The rules files: each one's name and text. */
  readonly rules: readonly RuleSource[]
  readonly config: Config
  /** Clients of one's own, in place of what Talon would open. */
  readonly provide?: readonly (readonly [Client, unknown])[]
  readonly log?: Logger
}

export interface Inspection {
  readonly host: Host
  /** Everything that is wrong or doubtful, in the order of the files. */
  readonly issues: readonly Issue[]
  /** Absent where an issue is an error. */
  readonly ruleset?: Ruleset
  /** Compiles other rules for the same plugins and configuration. */
  compile(rules: readonly RuleSource[]): { readonly issues: readonly Issue[]; readonly ruleset?: Ruleset }
}

/** Puts plugins, rules and configuration together and says what is wrong with them. Opens nothing. */
export function inspect({ plugins, rules, config, provide = [], log }: InspectOptions): Inspection {
  const host = new Host({ settings: (client) => config.sections[client], ...(log && { log }) })
  for (const plugin of plugins) host.add(plugin)
  for (const [client, value] of provide) host.provide(client, value)
  const compileRules = (sources: readonly RuleSource[]) => compile(sources, host, config)
  return { host, ...compileRules(rules), compile: compileRules }
}
