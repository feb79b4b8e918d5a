import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Choice } from './choice.ts'
import { licenseText } from './license.ts'
import { manifestOf, type Versions } from './manifest.ts'

/** Where the parts lie that plugins are made from. */
const TEMPLATE = join(import.meta.dirname, '../template')
/** What would be left out of a package, or be run as a test of this one, has another name there. */
const nameOf = (stored: string) => stored.replace(/^gitignore$/, '.gitignore').replace(/_(test|fixture)\.ts$/, '.$1.ts')

/** The files of the plugin, by their path in its folder. */
export function filesOf(choice: Choice, versions: Versions, year: number): ReadonlyMap<string, string> {
  const values: Readonly<Record<string, string>> = {
    __PACKAGE__: choice.package,
    __NAME__: choice.name,
    __SECTION__: choice.section,
    __KIND__: choice.kind,
    __TOKEN__: choice.section.toUpperCase().replaceAll('-', '_'),
    __LICENSE__: choice.license,
  }
  const files = new Map([['package.json', `${JSON.stringify(manifestOf(choice, versions), undefined, 2)}\n`]])
  const license = licenseText(choice, year)
  if (license) files.set('LICENSE', license)
  for (const part of ['common', ...(choice.kind === 'notifier' ? [] : ['service']), `kinds/${choice.kind}`])
    for (const path of readdirSync(join(TEMPLATE, part), { recursive: true, withFileTypes: true })) {
      if (!path.isFile()) continue
      const file = join(path.parentPath, path.name)
      const name = file.slice(join(TEMPLATE, part).length + 1)
      const text = readFileSync(file, 'utf8').replaceAll(/__[A-Z]+__/g, (token) => values[token] ?? token)
      files.set(nameOf(name), text)
    }
  return files
}

/** Writes the files into the folder, which is made, or is empty. @throws Error where something lies there. */
export function write(folder: string, files: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true })
  if (readdirSync(folder).some((name) => name !== '.git'))
    throw new Error(`${folder} is not empty: choose another folder, or empty it first`)
  for (const [path, text] of files) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    // Nothing is ever overwritten, whoever writes there at the same time.
    writeFileSync(file, text, { flag: 'wx' })
  }
}
