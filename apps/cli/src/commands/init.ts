import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { firstParty, starterRules } from '@talon/bundle'
import { Host } from '@talon/core'
import { ConfigError, type Issue } from '@talon/plugin'
import { configFile } from '../init/config-file.ts'
import type { GlobalOptions } from '../command.ts'

interface InitOptions extends GlobalOptions {
  readonly force?: boolean
  readonly args: readonly string[]
}

/**
 * Writes a config file and rules to start from into a folder.
 * @throws ConfigError where one of them is there already, unless it is forced
 */
export async function init({ args, force = false }: InitOptions): Promise<number> {
  const folder = args[0] ?? '.'
  const host = new Host()
  for (const plugin of await firstParty()) host.add(plugin)
  const files = [
    // It may hold secrets one day.
    { path: join(folder, 'config.yaml'), text: configFile(host, { rules_files: ['rules.yaml'] }), mode: 0o600 },
    { path: join(folder, 'rules.yaml'), text: await starterRules(), mode: 0o644 },
  ]
  if (!force) await refuseToOverwrite(files.map(({ path }) => path))
  await mkdir(folder, { recursive: true })
  for (const { path, text, mode } of files) {
    await writeFile(path, text, { mode, flag: force ? 'w' : 'wx' })
    console.log(`wrote ${path}`)
  }
  console.log(nextSteps(folder))
  return 0
}

/** All that are there are named, and none is written. */
async function refuseToOverwrite(paths: readonly string[]): Promise<void> {
  const issues = await Promise.all(
    paths.map(async (path): Promise<Issue[]> => {
      const exists = await access(path).then(
        () => true,
        () => false,
      )
      const hint = 'name another folder, or overwrite it with --force'
      return exists ? [{ level: 'error', message: `${path} is there already`, hint }] : []
    }),
  )
  if (issues.flat().length) throw new ConfigError(issues.flat())
}

/** A shell in a pod, as Falco tells of it. */
const SAMPLE = {
  rule: 'Terminal shell in container',
  priority: 'Notice',
  output: 'A shell was spawned in a container with an attached terminal',
  output_fields: { 'k8s.ns.name': 'default', 'k8s.pod.name': 'web-0' },
}

function nextSteps(folder: string): string {
  const enter = folder === '.' ? '' : `    cd ${quoted(folder)}\n`
  // As it was called: npx puts `talon` on no path.
  const talon = process.env['npm_command'] === 'exec' ? 'npx talon' : 'talon'
  return `
Every rule is a dry run: Talon says what it would do, and does nothing. Next:

${enter}    ${talon} check -c config.yaml
    ${talon} server -c config.yaml    # in the pod, or with the kubeconfig that kubectl uses

and from another terminal, an event as Falco sends it:

    curl http://localhost:2803 -H 'content-type: application/json' \\
      -d '${JSON.stringify(SAMPLE)}'
`.trimEnd()
}

const quoted = (path: string) => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`)
