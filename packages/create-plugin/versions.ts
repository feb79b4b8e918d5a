// Runs with the build: writes down, for the plugins that are made, what this workspace itself is built with.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Manifest {
  readonly version: string
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly engines: { readonly node: string }
}

const workspace = join(import.meta.dirname, '../..')
const manifest = (folder: string) =>
  JSON.parse(readFileSync(join(workspace, folder, 'package.json'), 'utf8')) as Manifest
const [root, plugin, testing] = [manifest('.'), manifest('packages/plugin'), manifest('packages/testing')]

const versions = {
  node: plugin.engines.node,
  peers: { '@talon/plugin': `^${plugin.version}`, zod: plugin.peerDependencies['zod'] },
  exact: {
    '@talon/plugin': plugin.version,
    '@talon/testing': testing.version,
    '@types/node': root.devDependencies['@types/node'],
    typescript: root.devDependencies['typescript'],
    vitest: root.devDependencies['vitest'],
    zod: testing.devDependencies['zod'],
  },
}
writeFileSync(join(import.meta.dirname, 'dist/versions.json'), `${JSON.stringify(versions, undefined, 2)}\n`)
copyFileSync(join(workspace, 'LICENSE'), join(import.meta.dirname, 'dist/Apache-2.0.txt'))
