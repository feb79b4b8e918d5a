import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ConfigError, TalonError, type Issue, type Plugin } from '@talon/plugin'
import { readConfig, type ConfigOptions } from './config.ts'
import { Host } from './host.ts'
import type { InspectOptions } from './inspect.ts'
import { loadPlugins } from './load.ts'
import { secretValues } from './secret-values.ts'
import type { RuleSource } from './source.ts'

/** Where the config file lies if nobody says so: Falco Talon's place. */
export const CONFIG_FILE = '/etc/falco-talon/config.yaml'

export interface SetupOptions {
  /** Path of the config file; without one, `CONFIG_FILE` where it is there. */
  readonly configPath?: string | undefined
  /** Paths of the rules files; where undefined, what the configuration says. */
  readonly rulesPaths?: readonly string[] | undefined
  readonly env: ConfigOptions['env']
  readonly flags?: ConfigOptions['flags']
  /** The plugins that ship; those that the configuration names come on top. */
  readonly plugins: readonly Plugin[]
}

/** What `inspect` and `createTalon` take, as it lies on disk. */
export interface Setup extends Required<
  Pick<InspectOptions, 'plugins' | 'rules' | 'config' | 'checkSettings' | 'locate'>
> {
  /** What is wrong with the config file and its plugins. */
  readonly issues: readonly Issue[]
  /** Every secret that the settings hold, for those who write logs and traces. */
  readonly secrets: readonly string[]
  /** The config file that was read. */
  readonly configPath?: string
}

/**
 * Reads the config file, loads the plugins that it names, and reads the rules files.
 * @throws ConfigError where a file that was asked for cannot be read.
 */
export async function readSetup(options: SetupOptions): Promise<Setup> {
  const { env, flags, rulesPaths } = options
  const configPath = options.configPath ?? CONFIG_FILE
  const [file] = await readTexts([configPath], { optional: options.configPath === undefined })
  const given = { ...(file && { file }), env, ...(flags && { flags }), readFile: secretOf }

  const { plugins: names, plugins_path } = readConfig(given).config
  const { plugins, issues } = await withThirdParties(options.plugins, names, [
    dirname(resolve(configPath)),
    plugins_path,
  ])
  const definitions = hostOf(plugins)
  const read = readConfig({ ...given, definitions })
  return {
    plugins,
    config: read.config,
    locate: read.locate,
    issues: [...read.issues, ...issues],
    secrets: secretValues(read.config, definitions),
    rules: await readTexts(rulesPaths ?? read.config.rules_files),
    checkSettings: file !== undefined && read.readable,
    ...(file && { configPath }),
  }
}

/** Reads files, each with its name. @throws ConfigError that names all that cannot be read. */
export async function readTexts(paths: readonly string[], { optional = false } = {}): Promise<RuleSource[]> {
  const issues: Issue[] = []
  const texts = await Promise.all(
    paths.map(async (name): Promise<RuleSource[]> => {
      try {
        return [{ name, text: await readFile(name, 'utf8') }]
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        if (optional && code === 'ENOENT') return []
        issues.push({ level: 'error', message: `${name} cannot be read: ${reasonOf(name, code) ?? message}` })
        return []
      }
    }),
  )
  if (issues.length) throw new ConfigError(issues)
  return texts.flat()
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; -r names a rules file, -c a config file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder: name the files in it',
}

function reasonOf(name: string, code = ''): string | undefined {
  if (code === 'ENOENT' && name.includes('*')) return 'patterns are not resolved: name each file'
  return REASONS[code]
}

const secretOf = (path: string): string => readFileSync(path, 'utf8')

/** What cannot be loaded is an issue like others: the rest is checked all the same. */
async function withThirdParties(
  shipped: readonly Plugin[],
  names: readonly string[],
  folders: readonly string[],
): Promise<{ plugins: readonly Plugin[]; issues: readonly Issue[] }> {
  const plugins = [...shipped]
  const issues: Issue[] = []
  for (const name of names)
    try {
      const [plugin] = await loadPlugins([name], folders)
      if (!plugin) continue
      hostOf([...plugins, plugin]) // two may provide the same name
      plugins.push(plugin)
    } catch (error) {
      if (!TalonError.is(error) || error.kind !== 'config') throw error
      issues.push(...error.issues)
    }
  return { plugins, issues }
}

function hostOf(plugins: readonly Plugin[]): Host {
  const host = new Host()
  for (const plugin of plugins) host.add(plugin)
  return host
}
