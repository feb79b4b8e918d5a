import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Choice } from './choice.ts'

/** What plugins are built with: written down when this package is built. */
export interface Versions {
  /** Versions of Node.js. */
  readonly node: string
  readonly peers: Readonly<Record<string, string>>
  readonly exact: Readonly<Record<string, string>>
}

export function readVersions(): Versions {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../dist/versions.json'), 'utf8')) as Versions
}

/** The plugin's package.json. */
export function manifestOf({ package: name, kind, license, author }: Choice, versions: Versions): object {
  return {
    name,
    version: '0.1.0',
    description: `A Talon plugin: ${kind === 'actionner' || kind === 'output' ? 'an' : 'a'} ${kind}`,
    keywords: ['talon-plugin'],
    license,
    ...(author && { author }),
    type: 'module',
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' },
    files: ['dist', '!**/*.test.*', '!**/*.fixture.*'],
    ...(license === 'UNLICENSED' && { private: true }),
    scripts: { build: 'tsc', test: 'vitest run --dir src', prepack: 'npm run build' },
    peerDependencies: versions.peers,
    devDependencies: versions.exact,
    engines: { node: versions.node },
  }
}
