import type { Client, Issue, Notifier } from '@talon/plugin'
import { z } from 'zod'
import { coerce, innerOf, type Excuse } from './coerce.ts'
import { complaintOf } from './complaint.ts'
import { overlay } from './environment.ts'
import { metaOf } from './meta.ts'
import { restraintOfConfig } from './restraint.ts'
import { hideSecrets } from './secrets.ts'
import { settingsSchema, type Settings } from './settings.ts'
import { issueAt, sortIssues, suggest, type RuleSource } from './source.ts'
import { at, readTree, type MapTree } from './tree.ts'

/** The settings, checked, and the sections of clients as they were written. */
export interface Config extends Settings {
  /** By client: what it is opened with. */
  readonly sections: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export interface ConfigOptions {
  readonly file?: RuleSource
  readonly env: Readonly<Record<string, string | undefined>>
  /** What the command line says; wins over the rest. */
  readonly flags?: Readonly<Record<string, unknown>>
  /** The plugins' own settings: with them, sections of clients and notifiers are checked too. */
  readonly definitions?: { clients(): readonly Client[]; list(kind: 'notifier'): readonly Notifier[] }
  /** Reads a secret's file. @throws where it cannot be read. */
  readonly readFile?: (path: string) => string
}

export interface ReadConfig {
  readonly config: Config
  readonly issues: readonly Issue[]
  readonly locate: Locate
  /** Whether the file could be read as settings at all: else what is missing may be there. */
  readonly readable: boolean
}

/** Where a setting is written, or the nearest above it that is, ready to be part of an issue; nothing where neither is. */
export type Locate = (path: readonly PropertyKey[]) => Partial<Issue>

const EMPTY: RuleSource = { name: 'config', text: '{}' }

/** Reads the settings: flags win over the environment, which wins over the file. All that is wrong is listed. */
export function readConfig(options: ConfigOptions): ReadConfig {
  const { file = EMPTY, env, flags = {}, definitions, readFile } = options
  const issues: Issue[] = []
  const schema = schemaWith(definitions)
  const written = readTree(file.text.trim() ? file : { ...file, text: '{}' }, issues)
  if (written && written.kind !== 'map')
    issues.push(
      issueAt(
        written.place,
        'error',
        'a config file is a block of settings: "listen_port: 2803"',
        written.kind === 'list' ? 'a rules file is named with -r' : undefined,
      ),
    )
  const base: MapTree | undefined = written?.kind === 'map' ? written : undefined
  const tree = overlay(base ?? emptyTree(issues), { schema, env, ...(readFile && { readFile }) }, issues)
  const {
    issues: found,
    partial,
    secrets,
    placeOf,
  } = coerce(tree, schema, 'setting', isUnused(definitions), restraintOfConfig)
  issues.push(...found)
  if (definitions)
    issues.push(
      ...unknownNotifiers(
        tree,
        definitions.list('notifier').map(({ name }) => name),
      ),
    )
  const given = merge(partial, flags) as Record<string, unknown>
  const parsed = settingsSchema.safeParse(given)
  // What cannot be taken is an issue already, unless a flag brought it.
  if (!parsed.success && !issues.some(({ level }) => level === 'error'))
    for (const issue of parsed.error.issues) issues.push({ level: 'error', ...complaintOf(issue, given) })
  const settings = parsed.success ? parsed.data : withoutWrong(given)
  return {
    config: { ...settings, sections: sectionsOf(given, settings, definitions) },
    issues: hideSecrets(sortIssues(issues, [file]), secrets),
    readable: base !== undefined,
    locate(path) {
      const place = placeOf(path)
      if (place === tree.place) return {}
      const [{ level: _, message: __, ...where } = {}] = hideSecrets([issueAt(place, 'error', '')], secrets)
      return where
    },
  }
}

/** One wrong setting leaves the others as they are, so that the rules are checked against what was meant. */
function withoutWrong(given: Record<string, unknown>): Settings {
  const right = Object.entries<z.ZodType>(settingsSchema.shape).filter(
    ([key, wanted]) => wanted.safeParse(given[key]).success,
  )
  return settingsSchema.parse(Object.fromEntries(right.map(([key]) => [key, given[key]])))
}

/** What a notifier or a client lacks matters once a rule uses it: Falco Talon's chart writes empty settings for all of them. */
function isUnused(definitions: ConfigOptions['definitions']): Excuse {
  const clients = new Set(definitions?.clients().map(({ name }) => name))
  return ([section = '', ...rest], whole) => {
    const depth = section === 'notifiers' ? 1 : clients.has(String(section)) ? 0 : undefined
    if (depth === undefined || rest.length < depth) return false
    const value = [section, ...rest].reduce<unknown>(
      (inside, key) => (inside as Record<PropertyKey, unknown>)?.[key],
      whole,
    )
    return value === undefined || (rest.length === depth && isMap(value))
  }
}

function unknownNotifiers(tree: MapTree, known: readonly string[]): Issue[] {
  const list = at(tree, 'default_notifiers')
  const items = list?.kind === 'list' ? list.items : list ? [list] : []
  return items.flatMap((item) =>
    item.kind !== 'scalar' || known.includes(item.text)
      ? []
      : [issueAt(item.place, 'error', `unknown notifier '${item.text}'`, suggest(item.text, known))],
  )
}

function emptyTree(issues: Issue[]): MapTree {
  const tree = readTree(EMPTY, issues)
  if (tree?.kind !== 'map') throw new TypeError('an empty map is one')
  return tree
}

/** The schema with what plugins want to know: third parties' sections are no unknown keys then, and notifiers' are read by type. */
export function schemaWith(definitions: ConfigOptions['definitions']): z.ZodObject {
  if (!definitions) return settingsSchema.loose()
  const own: Record<string, z.ZodType> = {}
  for (const { name, settings } of definitions.clients()) own[name] = settings.optional()
  const notifiers = definitions.list('notifier').map(({ name, parameters }) => [name, parameters.optional()] as const)
  return settingsSchema.extend({ ...own, notifiers: z.object(Object.fromEntries(notifiers)).optional() })
}

function sectionsOf(
  given: Record<string, unknown>,
  settings: Settings,
  definitions: ConfigOptions['definitions'],
): Config['sections'] {
  const sections: Record<string, Record<string, unknown>> = {}
  const known = new Set(Object.keys(settingsSchema.shape))
  for (const [name, value] of Object.entries(given))
    if (
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      (!known.has(name) || definitions?.clients().some((client) => client.name === name))
    )
      sections[name] = value as Record<string, unknown>
  for (const name of ['aws', 'gcp', 'minio'] as const) sections[name] ??= settings[name]
  // Falco Talon's spelling of the one setting that its Kubernetes client has.
  if (settings.kubeconfig !== undefined)
    sections['kubernetes'] = { kubeconfig: settings.kubeconfig, ...sections['kubernetes'] }
  return sections
}

function merge(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over === undefined ? base : over
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) merged[key] = merge(merged[key], value)
  return merged
}
const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const HIDDEN = '********'

/** The settings as they may be shown: secrets are hidden, and so is what no schema is known for. */
export function redact(config: Config, definitions?: ConfigOptions['definitions']): Record<string, unknown> {
  const { sections: _, ...settings } = config
  return hide(settings, schemaWith(definitions)) as Record<string, unknown>
}

function hide(value: unknown, schema: z.ZodType | undefined): unknown {
  if (value === undefined) return undefined
  if (schema && metaOf(schema).secret) return HIDDEN
  const def = schema && innerOf(schema).def
  if (isMap(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        const wanted: z.ZodType | undefined =
          def?.type === 'object' ? def.shape[key] : def?.type === 'record' ? def.valueType : undefined
        return [key, wanted ? hide(inner, wanted) : HIDDEN]
      }),
    )
  return def?.type === 'unknown' ? HIDDEN : value
}
