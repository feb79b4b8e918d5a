import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPages } from '../../../tools/guide/pages.ts'
import { startRegistry, type Registry } from './registry.fixture.ts'

const WORKSPACE = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

let registry: Registry
beforeAll(async () => {
  registry = await startRegistry(['packages/plugin', 'packages/core', 'packages/testing', 'packages/create-plugin'])
  // `npx talon` is the command of this workspace: installing all that it ships with would take minutes.
  const npx = join(registry.folder, 'bin/npx')
  mkdirSync(join(registry.folder, 'bin'))
  writeFileSync(npx, `#!/bin/sh\nshift\nexec node ${join(WORKSPACE, 'apps/cli/bin/talon.mjs')} "$@"\n`)
  chmodSync(npx, 0o755)
}, 120_000)
afterAll(() => registry.close())

/**
 * Follows a page: `sh` blocks are run one after the other, `ts` blocks whose first line says `// file: name.ts` are
 * written there, each line of a `text` block is among what the block before printed; `…` stands for anything.
 * @returns where it ended
 */
async function follow(name: string): Promise<string> {
  const page = readPages().find((page) => page.name === name)
  if (!page) throw new Error(`there is no page ${name}`)
  let cwd = registry.folder
  let printed: string[] = []
  const env = { ...registry.env, PATH: `${join(registry.folder, 'bin')}:${registry.env['PATH']}` }
  for (const { language, text, line } of page.blocks) {
    const file = language === 'ts' ? /^\/\/ file: (\S+)\n/.exec(text) : undefined
    if (language === 'ts' && !file) throw new Error(`${name}.md:${line}: its first line names no file`)
    if (file) writeFileSync(join(cwd, file[1] ?? ''), `${text.slice(file[0].length)}\n`)
    if (language === 'sh') {
      const { stdout } = await run('bash', ['-euc', `${text}\npwd > "$HOME/where"`], { cwd, env }).catch(
        ({ stdout, stderr }: { stdout: string; stderr: string }) => {
          throw new Error(`${name}.md:${line}: ${stdout}${stderr}`)
        },
      )
      printed = stdout.split('\n')
      cwd = readFileSync(join(registry.folder, 'where'), 'utf8').trim()
    }
    const missing = language === 'text' ? text.split('\n').filter((wanted) => !isAmong(printed, wanted)) : []
    if (missing.length) throw new Error(`${name}.md:${line}: no line ${missing.join(', ')} in\n${printed.join('\n')}`)
  }
  return realpathSync(cwd)
}

function isAmong(lines: readonly string[], wanted: string): boolean {
  const quoted = wanted.split('…').map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return lines.some((line) => new RegExp(`^${quoted.join('.*')}$`).test(line))
}

describe('the guide', () => {
  it('leads to a plugin with a definition of each kind', { timeout: 300_000 }, async () => {
    expect(await follow('write-a-plugin')).toBe(join(registry.folder, 'talon-plugin-acme'))
  })

  it('has a program that embeds the core, with types that fit', { timeout: 300_000 }, async () => {
    const folder = await follow('embed-the-core')
    const types = ['--types', 'node', '--typeRoots', join(WORKSPACE, 'node_modules/@types')]
    const options = [
      '--ignoreConfig',
      '--strict',
      '--noEmit',
      '--skipLibCheck',
      '--target',
      'es2024',
      '--module',
      'nodenext',
    ]
    const { stdout } = await run('tsc', [...options, ...types, 'main.ts'], { cwd: folder }).catch(
      (failed: { stdout: string }) => failed,
    )
    expect(stdout).toBe('')
  })
})
