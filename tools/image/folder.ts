import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from './bundle.ts'
import { licences } from './licences.ts'
import { dependencyOf, packageOf, type Package } from './package.ts'
import { sbom } from './sbom.ts'

const ROOT = join(import.meta.dirname, '../..')
const TSC = join(ROOT, 'node_modules/.bin/tsc')

/** The image's Node.js; without a shell the kernel itself starts what names it in its first line. */
const NODE = '/nodejs/bin/node'

/**
 * Builds the folder whose content becomes the image's, beside the base image's own:
 *
 *     talon/                  the bundle, and beside it what cannot be bundled
 *     node_modules/           what third-party plugins import, wherever they lie: @talon/plugin and zod, as published
 *     usr/local/bin/talon     the command
 *
 * Talon itself has zod and the contract in its bundle, which starts in two thirds of the time; a plugin gets these.
 * Copies of them get along: the contract tells errors and definitions apart by symbols and names that all copies share.
 *
 * @returns the packages of which something is in it
 */
export async function buildFolder(folder: string): Promise<readonly Package[]> {
  rmSync(folder, { recursive: true, force: true })
  const home = join(folder, 'talon')
  const cli = packageOf(join(ROOT, 'apps/cli/package.json'))
  const { inside, beside } = await bundle(join(home, 'dist'))

  const contract = dependencyOf(cli, '@talon/plugin')
  execFileSync(TSC, ['-b', 'tsconfig.json'], { cwd: contract.folder, stdio: ['ignore', 'inherit', 'inherit'] })
  const forPlugins = [contract, dependencyOf(contract, 'zod')]
  for (const one of forPlugins) copyCode(one, join(folder, 'node_modules'))
  for (const one of beside) copyCode(one, join(home, 'node_modules'))

  const { name, version, license } = cli.manifest
  writeFileSync(join(home, 'package.json'), `${JSON.stringify({ name, version, license, type: 'module' }, null, 2)}\n`)
  mkdirSync(join(home, 'bin'))
  writeFileSync(join(home, 'bin/talon.mjs'), `#!${NODE}\nimport '../dist/main.js'\n`, { mode: 0o755 })
  mkdirSync(join(folder, 'usr/local/bin'), { recursive: true })
  symlinkSync('../../../talon/bin/talon.mjs', join(folder, 'usr/local/bin/talon'))

  const parts = [...new Map([...inside, ...beside, ...forPlugins].map((one) => [one.folder, one])).values()]
  const others = parts.filter(({ folder }) => folder !== cli.folder)
  cpSync(join(ROOT, 'LICENSE'), join(home, 'LICENSE'))
  writeFileSync(join(home, 'THIRD-PARTY-LICENSES'), licences(others.filter(({ manifest }) => !ours(manifest.name))))
  writeFileSync(join(home, 'sbom.cdx.json'), sbom(cli, others))
  return parts
}

const ours = (name: string) => name.startsWith('@talon/')

/** What only people and compilers read, and what hides. */
const UNUSED = /\.([cm]?ts|map|md|tsbuildinfo)$|(^|\/)(tsconfig.*\.json$|node_modules\/|\.)/
const LICENCE = /licen[cs]e|notice/i

/** Copies what runs of a package, and its licence, into a node_modules folder. */
function copyCode({ folder, manifest }: Package, modules: string): void {
  for (const file of globSync('**', { cwd: folder, exclude: ['node_modules'] }))
    if ((LICENCE.test(file) || !UNUSED.test(file)) && statSync(join(folder, file)).isFile())
      cpSync(join(folder, file), join(modules, manifest.name, file))
}
