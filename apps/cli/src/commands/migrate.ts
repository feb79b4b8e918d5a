import { access, mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { firstParty } from '@talon/bundle'
import { Host, inspect, readConfig, readTexts } from '@talon/core'
import { ConfigError, type Issue } from '@talon/plugin'
import { paintFor } from '../issues/text.ts'
import { migrateConfig } from '../migrate/config.ts'
import { EditableFile } from '../migrate/document.ts'
import { printFindings } from '../migrate/print.ts'
import { migrateRules } from '../migrate/rules.ts'
import { settleIssues } from '../migrate/unknown.ts'
import type { GlobalOptions } from '../command.ts'

interface MigrateOptions extends GlobalOptions {
  readonly out?: string
}

/**
 * Says what files of Falco Talon mean here, and writes clean ones where a folder is named. Opens nothing.
 * @throws ConfigError where a file cannot be read, is no YAML, or would be overwritten
 */
export async function migrate({ config: configPath, rules: rulesPaths, out }: MigrateOptions): Promise<number> {
  if (configPath === undefined && !rulesPaths?.length)
    throw new ConfigError([{ level: 'error', message: 'nothing to move: name the files with -c and -r' }])
  const plugins = await firstParty()
  const host = new Host()
  for (const plugin of plugins) host.add(plugin)

  const [configFile] = (await readTexts(configPath === undefined ? [] : [configPath])).map(
    (one) => new EditableFile(one),
  )
  const config = configFile ? migrateConfig(configFile, host) : readConfig({ env: {}, definitions: host }).config

  const rulesFiles = (await readTexts(rulesPaths ?? config.rules_files)).map((one) => new EditableFile(one))
  migrateRules(rulesFiles, host)
  settleIssues(rulesFiles, (rules) => inspect({ plugins, config, checkSettings: false, rules }).issues)

  const files = [...(configFile ? [configFile] : []), ...rulesFiles]
  if (out !== undefined) await writeFiles(files, out)
  const findings = files.flatMap((file) => file.findings)
  printFindings(findings, paintFor(process.stdout))
  if (out === undefined) console.log('nothing was written: --out <folder> writes clean files')
  else console.log(`written to ${files.map(({ name }) => join(out, basename(name))).join(', ')}`)
  return findings.some(({ kind }) => kind === 'decide') ? 1 : 0
}

/** All or none: a file that is there already is never overwritten. */
async function writeFiles(files: readonly EditableFile[], folder: string): Promise<void> {
  const paths = files.map(({ name }) => join(folder, basename(name)))
  const issues: Issue[] = []
  for (const [index, path] of paths.entries()) {
    if (paths.indexOf(path) !== index)
      issues.push({ level: 'error', message: `two files are called ${basename(path)}: move them one after the other` })
    else if (await exists(path))
      issues.push({ level: 'error', message: `${path} is there already`, hint: 'name another folder' })
  }
  if (issues.length) throw new ConfigError(issues)
  await mkdir(folder, { recursive: true })
  // A config file may hold secrets.
  for (const [index, path] of paths.entries()) await writeFile(path, String(files[index]), { flag: 'wx', mode: 0o600 })
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )
