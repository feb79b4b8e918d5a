import { hash } from 'node:crypto'
import type { Event } from '@talon/plugin'
import type { Config } from './config.ts'
import type { Window } from './journal.ts'

/**
 * Fields that differ from call to call of one cause: times, event numbers, thread and process ids, durations.
 * https://falco.org/docs/reference/rules/supported-fields/
 */
const CHANGING = new RegExp(
  [
    String.raw`^evt\.(time|rawtime|datetime|latency|deltatime|reltime|num|asynctime)\b`,
    String.raw`^thread\.(v?tid|ptid|exectime|totexectime)\b`,
    String.raw`^proc\.a?(v?pid|ppid|pvpid|v?sid|v?pgid)\b`,
    String.raw`\bduration\b`,
    String.raw`^(ka\.auditid|jevt\.(raw)?time|ct\.(id|time))\b`,
  ].join('|'),
)

/** A time in a message: `23:39:44.834631763`. */
const TIME = /\d{2}:\d{2}:\d{2}\.\d+/g

/** The window that an event falls into, by the settings. */
export function windowOf(event: Event, { key, time_window_seconds, sliding }: Config['deduplication']): Window {
  return { key: dedupKey(event, key), length: time_window_seconds * 1000, sliding }
}

/**
 * What makes two events one: rule, source, hostname and the output fields that do not change from call to call, or
 * the message where there are no fields. `fields` replaces that, for an event that has them all.
 */
export function dedupKey(event: Event, fields: readonly string[]): string {
  const chosen = fields.map((name) => ownValue(event, name) ?? event.fields[name])
  if (fields.length && chosen.every((value) => value !== undefined)) return digest(chosen)
  const { rule, source, hostname, output } = event
  const names = Object.keys(event.fields).filter((name) => !CHANGING.test(name))
  const about = names.length ? [] : [output.replaceAll(TIME, '')]
  for (const name of names.toSorted()) about.push(name, event.fields[name] ?? '')
  return digest([rule, source, hostname, ...about])
}

function ownValue(event: Event, name: string): string | undefined {
  return name === 'rule' || name === 'source' || name === 'hostname' || name === 'priority' ? event[name] : undefined
}

/** Each part with its length before it, so that no two lists run into one text. */
function digest(parts: readonly (string | undefined)[]): string {
  let text = ''
  for (const part of parts) text += `${part?.length}:${part}`
  return hash('sha256', text)
}
