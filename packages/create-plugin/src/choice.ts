import { basename, resolve } from 'node:path'

export const KINDS = ['actionner', 'output', 'notifier', 'context'] as const
export type Kind = (typeof KINDS)[number]
export const LICENSES = ['Apache-2.0', 'MIT', 'UNLICENSED'] as const
export type License = (typeof LICENSES)[number]

/** What is made, all of it decided. */
export interface Choice {
  /** Absolute path of the folder. */
  readonly folder: string
  readonly kind: Kind
  /** Name of the npm package. */
  readonly package: string
  /** Name of the definition, as rules write it. */
  readonly name: string
  /** Section of the config file that holds the settings of the plugin's client. */
  readonly section: string
  readonly license: License
  readonly author: string
}

/** What was asked for, as it was written. */
export interface Asked {
  readonly folder: string
  readonly kind?: string | undefined
  readonly package?: string | undefined
  readonly name?: string | undefined
  readonly license?: string | undefined
  readonly author?: string | undefined
}

/** What an npm package may be called. https://docs.npmjs.com/cli/v11/configuring-npm/package-json#name */
const PACKAGE = /^(@[a-z0-9-][a-z0-9-._]*\/)?[a-z0-9-][a-z0-9-._]*$/
const NAMES: Readonly<Record<Kind, { readonly pattern: RegExp; readonly example: string }>> = {
  actionner: { pattern: /^[a-z0-9]+:[a-z0-9-]+$/, example: 'acme:quarantine' },
  output: { pattern: /^[a-z0-9]+:[a-z0-9-]+$/, example: 'acme:store' },
  notifier: { pattern: /^[a-z0-9-]+$/, example: 'acme' },
  context: { pattern: /^[a-z0-9-]+$/, example: 'acme' },
}

/** Decides what is left open. @throws Error that says which option is wrong, and what it may be. */
export function choose(asked: Asked): Choice {
  const folder = resolve(asked.folder)
  const kind = oneOf('--kind', asked.kind ?? 'actionner', KINDS)
  const license = oneOf('--license', asked.license ?? 'Apache-2.0', LICENSES)
  const name = asked.package ?? basename(folder).toLowerCase()
  if (!PACKAGE.test(name) || name.length > 214)
    throw new Error(`'${name}' is no name of an npm package: give one with --package, such as talon-plugin-acme`)
  const definition = asked.name ?? nameOf(kind, sectionOf(name))
  const { pattern, example } = NAMES[kind]
  if (!pattern.test(definition))
    throw new Error(
      `'${definition}' is no name of ${kind === 'notifier' || kind === 'context' ? 'a' : 'an'} ${kind}: give one with --name, such as ${example}`,
    )
  const section = definition.replace(/:.*$/, '')
  return { folder, kind, package: name, name: definition, section, license, author: asked.author ?? '' }
}

function oneOf<T extends string>(option: string, given: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === given)
  if (found) return found
  throw new Error(`${option} '${given}' is none of ${allowed.join(', ')}`)
}

/** `@acme/talon-plugin-foo-bar` is `foobar` in rules and in the config file. */
const sectionOf = (name: string) =>
  name
    .replace(/^@.*\//, '')
    .replace(/^(talon-)?plugin-|^talon-/, '')
    .replaceAll(/[^a-z0-9]/g, '')

const nameOf = (kind: Kind, section: string) =>
  kind === 'actionner' ? `${section}:quarantine` : kind === 'output' ? `${section}:store` : section
