/** One entry of the log, before it is text. */
export interface Line {
  /** RFC 3339. */
  readonly time: string
  readonly level: string
  readonly message: string
  readonly facts: object | undefined
}

/**
 * Characters that end a line, steer a terminal, or turn text around: what comes in an event must not forge a line, nor
 * look like something else.
 */
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
/** Text without any of them, mostly: found in a third of the time. */
const PLAIN = /^[ -~]*$/
/** Names of facts that hold secrets, whoever logs them. */
const SECRET = /(password|passwd|secret|token|api_?key|authorization|webhook_url|credential)/i
const MASK = '********'
/** Characters of one value at most. */
const LENGTH = 4096
const DEPTH = 4

/** An entry as one line of JSON. */
export function jsonLine({ time, level, message, facts }: Line): string {
  return escape(JSON.stringify({ time, level, message: cut(message), ...(facts && (plain(facts, 0) as object)) }))
}

const COLORS: Readonly<Record<string, string>> = { error: '31', warn: '33', info: '32', debug: '90' }

/**
 * An entry as words and pairs: `2026-01-01T00:00:00.000Z INFO  action rule="Stop it" status=success pod=web-0`. What
 * `objects` holds is told by its own names, a list of plain words with commas.
 */
export function textLine({ time, level, message, facts }: Line, color: boolean): string {
  const head = level.toUpperCase().padEnd(5)
  const dim = (name: string) => (color ? `\u001b[36m${name}=\u001b[0m` : `${name}=`)
  let line = `${time} ${color ? `\u001b[${COLORS[level]}m${head}\u001b[0m` : head} ${escape(cut(message))}`
  for (const [name, value] of pairsOf(facts ? (plain(facts, 0) as Record<string, unknown>) : {}))
    if (value !== undefined) line += ` ${dim(escape(name))}${shown(value)}`
  return line
}

/** What needs no quotes. */
const WORD = /^[\w./:@-]+$/

/** Names of objects stand among the facts where each is a word, and none is a fact's already. */
function pairsOf(facts: Record<string, unknown>): [string, unknown][] {
  return Object.entries(facts).flatMap(([name, value]): [string, unknown][] => {
    const objects = name === 'objects' && isMap(value) ? Object.entries(value) : []
    return objects.length && objects.every(([key]) => WORD.test(key) && !Object.hasOwn(facts, key))
      ? objects
      : [[name, value]]
  })
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function shown(value: unknown): string {
  const words = Array.isArray(value) && value.length > 0 && value.every((item) => WORD.test(String(item)))
  if (words) return value.join(',')
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return WORD.test(text) ? text : escape(JSON.stringify(text))
}

/** What JSON can tell of a value: bounded in length and depth, without secrets, and never throwing. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cut(value)
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Error) return cut(value.message)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (depth === DEPTH) return '…'
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  const copy: Record<string, unknown> = {}
  for (const [name, item] of Object.entries(value)) copy[name] = SECRET.test(name) ? MASK : plain(item, depth + 1)
  return copy
}

function cut(text: string): string {
  return text.length > LENGTH ? `${text.slice(0, LENGTH)}… (${text.length} characters)` : text
}

/** JSON leaves some of them as they are; in JSON and out of it the same escape stands for them. */
function escape(text: string): string {
  if (PLAIN.test(text)) return text
  return text.replace(HIDDEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Shorter ones would be found by chance, and the log would be unreadable. */
const SHORTEST = 6

/** Covers secrets in finished lines, also as JSON writes them. Gives lines back as they are where there are none. */
export function createMask(secrets: readonly string[]): (line: string) => string {
  const written = secrets
    .filter((secret) => secret.length >= SHORTEST)
    .flatMap((secret) => {
      const once = JSON.stringify(secret).slice(1, -1)
      return [secret, escape(once), escape(JSON.stringify(once).slice(1, -1))]
    })
  if (!written.length) return (line) => line
  const alternatives = [...new Set(written)].toSorted((one, other) => other.length - one.length)
  const pattern = new RegExp(alternatives.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'g')
  return (line) => line.replace(pattern, MASK)
}
