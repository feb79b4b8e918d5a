import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { ConfigError, messageOf, type Issue, type Plugin } from '@talon/plugin'
import { resolve } from 'import-meta-resolve'

/**
 * Loads plugins by the names of their npm packages, from the first of the folders that has them.
 * @throws ConfigError that says what to install where, for all of them at once.
 */
export async function loadPlugins(names: readonly string[], folders: readonly string[]): Promise<Plugin[]> {
  const issues: Issue[] = []
  const plugins: Plugin[] = []
  for (const name of names)
    try {
      plugins.push(await loadPlugin(name, folders))
    } catch (error) {
      issues.push({ level: 'error', message: messageOf(error) })
    }
  if (issues.length) throw new ConfigError(issues)
  return plugins
}

async function loadPlugin(name: string, folders: readonly string[]): Promise<Plugin> {
  const url = locate(name, folders)
  if (url === undefined)
    throw new Error(
      `plugins: the package '${name}' is not found from ${folders.join(' or ')}: run 'npm install ${name}' there`,
    )
  const module = await importFrom(url).catch((error: unknown) => {
    throw new Error(`plugins: the package '${name}' fails when it is imported: ${messageOf(error)}`, { cause: error })
  })
  if (module.default?.contract !== 1 || !Array.isArray(module.default.provides))
    throw new Error(
      `plugins: the package '${name}' is no Talon plugin of contract 1: its default export must be definePlugin({...})`,
    )
  return module.default as Plugin
}

const importFrom = (url: string): Promise<{ readonly default?: Partial<Plugin> }> => import(url)

function locate(name: string, folders: readonly string[]): string | undefined {
  for (const folder of folders)
    try {
      // The file need not exist: a package is resolved as if it were imported from there.
      return resolve(name, pathToFileURL(join(folder, 'talon.yaml')).href)
    } catch {
      continue
    }
  return undefined
}
