import { EventError, PRIORITIES, type Event, type Priority } from '@talon/plugin'
import { z } from 'zod'

/** What the door knows of an event besides its body. */
export interface Receipt {
  readonly id: string
  /** Epoch milliseconds, with fractions. */
  readonly received: number
  readonly traceId: string
  readonly parentSpanId?: string
  readonly sampled?: false
}

/** What the door knew of an event, for those who send it on or keep it. */
export function receiptOf({ id, received, traceId, parentSpanId, sampled }: Event): Receipt {
  return {
    id,
    received,
    traceId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    ...(sampled !== undefined && { sampled }),
  }
}

/** Bytes of a body at most: what the door takes, and what a line of a file may hold. */
export const MAX_BODY = 1024 * 1024

const priorities = new Map<string, Priority>(PRIORITIES.map((name) => [name.toLowerCase(), name]))
priorities.set('info', 'Informational')

const sources = new Map([
  ['syscalls', 'syscall'],
  ['k8saudit', 'k8s_audit'],
])

/** One name for each of the spellings that Falco, its plugins and Falcosidekick use. */
export function canonicalSource(source: string): string {
  return sources.get(source) ?? source
}

/** The priority of any spelling, or undefined. */
export function priorityOf(text: string): Priority | undefined {
  return priorities.get(text.toLowerCase())
}

/** Falco's own events carry no source in older versions, but always this name. */
const INTERNAL_RULE = 'Falco internal:'

const text = z.string().nullish()
const schema = z.object({
  rule: z
    .string({ error: 'is missing: a Falco event names its rule' })
    .min(1, 'is empty: a Falco event names its rule'),
  priority: text.transform((given, context) => {
    const found = given ? priorityOf(given) : 'Debug'
    if (!found) context.addIssue({ code: 'custom', message: `is none of ${PRIORITIES.join(', ')}` })
    return found ?? z.NEVER
  }),
  output: text.transform((given) => given?.replace(LEAD, '') ?? ''),
  source: text,
  hostname: text.transform((given) => given ?? ''),
  uuid: text.transform((given) => given ?? ''),
  time: z.unknown().optional().transform(textOf),
  tags: z
    .union([z.array(z.unknown()), z.string()])
    .nullish()
    .transform((given) => (typeof given === 'string' ? given.split(',') : (given ?? [])).map(textOf).filter(Boolean)),
  output_fields: z
    .custom<Readonly<Record<string, unknown>>>(
      (given) => typeof given === 'object' && given !== null && !Array.isArray(given),
      'is no JSON object',
    )
    .nullish(),
})

/** `12:00:00.000000001: Notice ` and, where Falco writes ISO times, `2026-01-01T00:00:00.0+0000: Notice `. */
const LEAD = new RegExp(`^[\\dT:.+Z-]{8,40}: (?:${PRIORITIES.join('|')}) `)

/**
 * Reads the body that Falco or Falcosidekick sends, and freezes what it read.
 * @throws EventError which says what is wrong with it.
 */
export function decode(raw: string, receipt: Receipt): Event {
  const parsed = schema.safeParse(foldKeys(readJson(raw)))
  if (!parsed.success)
    throw new EventError(
      parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim()).join('; '),
    )
  const { rule, priority, output, hostname, uuid, time, tags, source, output_fields } = parsed.data
  return Object.freeze<Event>({
    ...receipt,
    rule,
    priority,
    output,
    hostname,
    uuid,
    time,
    at: epochOf(time) ?? receipt.received,
    tags,
    source: canonicalSource(source || (rule.startsWith(INTERNAL_RULE) ? 'internal' : 'syscall')),
    fields: fieldsOf(output_fields ?? {}),
    raw,
  })
}

// TypeScript's library does not know it yet; V8 has it from Node 22 on.
const { rawJSON } = JSON as JSON & { rawJSON: (text: string) => unknown }

/** Keeps the text of a number that a double would change: `1667319338184268801`, `1.0`, 2^63 and above. */
function keepNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
    ? rawJSON(context.source)
    : value
}

/**
 * A member whose number a double may change, by its look: sixteen digits or more, a fraction, an exponent, a minus zero.
 * The quote before the colon closes a key. Where it opens a text instead, quoting what follows makes no JSON.
 */
const FRAGILE = /(?<!\\)("\s*:\s*)(-?(?:\d{16,}|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|(?<=-)0))(?=\s*[,}])/g

/**
 * Reads the body so that each field's text has all digits of the number that it was. Nearly every event has such a
 * number (`evt.time`), and a reviver is four times as slow as quoting it: that is left to what quoting cannot do.
 */
function readJson(raw: string): object {
  const value = readQuoted(raw) ?? readRevived(raw)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new EventError('the body is no JSON object: one Falco event is expected')
  return value
}

/** Undefined where numbers lie deeper, or where quoting went wrong. */
function readQuoted(raw: string): unknown {
  try {
    const value: unknown = JSON.parse(raw.replaceAll(FRAGILE, '$1"$2"'))
    return isShallow(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Members, and members of members: the event and its fields. A deeper value keeps its numbers as numbers. */
function isShallow(value: unknown): boolean {
  for (const member of Object.values(value ?? {}))
    if (isNested(member)) for (const inner of Object.values(member)) if (isNested(inner)) return false
  return true
}
const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null

function readRevived(raw: string): unknown {
  try {
    return JSON.parse(raw, keepNumber)
  } catch (cause) {
    throw new EventError(`the body is not JSON: ${cause instanceof Error ? cause.message : 'unreadable'}`, { cause })
  }
}

/** JSON keys are matched without regard to case; the first of two spellings wins. */
function foldKeys(body: object): Record<string, unknown> {
  const folded: Record<string, unknown> = Object.create(null)
  for (const [key, value] of Object.entries(body)) folded[key.toLowerCase()] ??= value
  return folded
}

/** The fields as text, without a prototype: a field may be called `constructor`. */
function fieldsOf(given: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const fields: Record<string, string> = Object.create(null)
  for (const [key, value] of Object.entries(given)) {
    const text = textOf(value)
    if (text !== '' && text !== '<NA>') fields[key] = text
  }
  return Object.freeze(fields)
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  return JSON.stringify(value)
}

/** Epoch milliseconds of RFC 3339 or of epoch nanoseconds. */
function epochOf(time: string): number | undefined {
  const at = /^\d{16,20}$/.test(time) ? Number(time) / 1e6 : Date.parse(time)
  return Number.isNaN(at) ? undefined : at
}
