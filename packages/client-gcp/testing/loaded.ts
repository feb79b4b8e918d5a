import { execFileSync } from 'node:child_process'

/** How many files of Google's libraries, and of what they stand on, a fresh process has loaded after running a script. */
export function loadedBy(script: string, folder: string): number {
  const count = `
    import { createRequire } from 'node:module'
    ${script}
    const loaded = Object.keys(createRequire(import.meta.url).cache)
    console.log(loaded.filter((path) => /node_modules.*(google|gaxios|undici)/.test(path)).length)`
  const args = ['--conditions=@talon/source', '--input-type=module', '-e', count]
  return Number(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' }))
}
