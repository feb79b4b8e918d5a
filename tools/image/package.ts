import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** What is read of a package.json. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

/** An installed package, or one of the workspace. */
export interface Package {
  readonly folder: string
  readonly manifest: Manifest
}

const read = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Partial<Manifest>

/** The package that a file is part of: the nearest folder above it whose package.json has a name and a version. */
export function packageOf(file: string): Package {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(join(folder, 'package.json'))) continue
    const { name, version, ...rest } = read(folder)
    // Folders of a package have a package.json of their own that says `type` alone.
    if (name !== undefined && version !== undefined) return { folder, manifest: { name, version, ...rest } }
  }
  throw new Error(`${file} is part of no package`)
}

/** The package that `name` stands for in the code of another one. */
export function dependencyOf({ folder }: Pick<Package, 'folder'>, name: string): Package {
  for (const modules of createRequire(join(folder, 'package.json')).resolve.paths(name) ?? [])
    if (existsSync(join(modules, name))) return packageOf(realpathSync(join(modules, name, 'package.json')))
  throw new Error(`${name} is not installed for ${folder}: run npm run setup`)
}

/** Dependencies that no running program needs: types, and what only the command of @grpc/proto-loader uses. */
const needless = (name: string) => name.startsWith('@types/') || name === 'yargs'

/** A package and all that it depends on, each once. @throws where two versions of one would have to lie side by side. */
export function closureOf(start: Package): Package[] {
  const found = new Map([[start.manifest.name, start]])
  for (const one of found.values())
    for (const name of Object.keys(one.manifest.dependencies ?? {}).filter((name) => !needless(name))) {
      const next = dependencyOf(one, name)
      const known = found.get(name)
      if (known && known.manifest.version !== next.manifest.version)
        throw new Error(`${name} is needed in the versions ${known.manifest.version} and ${next.manifest.version}`)
      found.set(name, known ?? next)
    }
  return [...found.values()]
}
