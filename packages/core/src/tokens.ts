import { EventError, isCut, type Context, type Event } from '@talon/plugin'

/** What stands for `${NAME}` and `$NAME`: names in upper case. */
export type Tokens = ReadonlyMap<string, string>

/** Names that steer a shell or a loader: an event never sets them. */
const STEERING =
  /^(PATH|IFS|HOME|ENV|BASH_ENV|PS[0-4]|PROMPT_COMMAND|SHELLOPTS|BASHOPTS|CDPATH|GLOBIGNORE|PWD|SHELL|LD_.*)$/

const NAME = /\$(?:\{([A-Za-z_][A-Za-z0-9_-]*)\}|(FALCO-TALON_[A-Z_]+|[A-Za-z_][A-Za-z0-9_]*))/g

/** `proc.args[0]` is `PROC_ARGS_0`; undefined where that is no name. */
export function tokenName(field: string): string | undefined {
  const name = field.toUpperCase().replaceAll(/[.[]/g, '_').replaceAll(']', '')
  return /^[A-Z_][A-Z0-9_]*$/.test(name) ? name : undefined
}

/** The tokens of an event and of its surroundings. Two fields that fold to one name make neither available. */
export function tokensOf(event: Event, context: Context): Tokens {
  const tokens = new Map<string, string>()
  const twice = new Set<string>()
  for (const [field, value] of Object.entries(event.fields)) {
    const name = tokenName(field)
    if (name === undefined) continue
    if (tokens.has(name)) twice.add(name)
    tokens.set(name, value)
  }
  for (const name of twice) tokens.delete(name)
  for (const [fact, value] of Object.entries(context)) {
    const name = tokenName(fact.replaceAll('-', '_'))
    if (name !== undefined) tokens.set(name, value)
  }
  tokens.set('PRIORITY', event.priority)
  tokens.set('HOSTNAME', event.hostname)
  tokens.set('SOURCE', event.source)
  tokens.set('RULE', event.rule)
  tokens.set('TAGS', event.tags.join(','))
  return tokens
}

/** Replaces tokens by their values. A name that is no token stays as it is written. @throws EventError for a cut value. */
export function expand(text: string, tokens: Tokens): string {
  return replace(text, tokens, (value) => value)
}

/** Replaces each token by one clean path segment: none is empty, hidden, a way up, or longer than 128 characters. */
export function expandSegments(text: string, tokens: Tokens): string {
  return replace(text, tokens, segmentOf)
}

/** One clean path segment of any text. */
export function segmentOf(text: string): string {
  return (
    text
      .replaceAll(/[^A-Za-z0-9._-]+/g, '_')
      .replace(/^\.+/, '_')
      .slice(0, 128) || '_'
  )
}

function replace(text: string, tokens: Tokens, write: (value: string) => string): string {
  return text.replaceAll(NAME, (whole, braced?: string, bare?: string) => {
    const name = (braced ?? bare ?? '').replaceAll('-', '_')
    const value = tokens.get(name)
    return value === undefined ? whole : write(refuseCut(name, value))
  })
}

function refuseCut(name: string, value: string): string {
  if (isCut(value)) throw new EventError(`the value of ${name} was cut short on its way: it is not used`)
  return value
}

/** A program for a shell, and the variables that it names: those alone are exported, as data. */
export interface Program {
  readonly text: string
  readonly variables: Readonly<Record<string, string>>
}

/** Program text stays as its author wrote it, but for the spelling `FALCO-TALON_…`, which a shell would read otherwise. */
export function programOf(text: string, tokens: Tokens): Program {
  const variables: Record<string, string> = {}
  const program = text.replaceAll(NAME, (whole, braced?: string, bare?: string) => {
    const written = braced ?? bare ?? ''
    const name = written.startsWith('FALCO-TALON_') ? written.replaceAll('-', '_') : written
    const value = tokens.get(name)
    if (value === undefined || STEERING.test(name)) return whole
    variables[name] = refuseCut(name, value)
    return `\${${name}}`
  })
  // `${NAME:-default}` and its like name a variable too.
  for (const [, name = ''] of text.matchAll(/\$\{#?([A-Z_][A-Z0-9_]*)[^}A-Z0-9_]/g)) {
    const value = tokens.get(name)
    if (value !== undefined && !STEERING.test(name)) variables[name] = refuseCut(name, value)
  }
  return { text: program, variables }
}
