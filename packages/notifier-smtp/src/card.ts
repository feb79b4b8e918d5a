import type { Report, Status } from '@talon/plugin'
import { cut } from './visible.ts'

/** A label and what it says. */
export type Fact = readonly [label: string, value: string]

/** What a mail tells of one report, whatever it is written in. Its texts may hold anything: each format escapes them. */
export interface Card {
  readonly status: Status
  readonly title: string
  readonly summary: string
  readonly facts: readonly Fact[]
  /** The result, where it is text. */
  readonly output?: string
  readonly event: readonly Fact[]
  /** The output fields of the event. */
  readonly fields: readonly Fact[]
}

/** Characters of one value. Gmail hides what is beyond 102 KB of a mail. */
const VALUE = 500
/** Characters of a result: what is told alone may say more. */
const OUTPUT = { alone: 8000, among: 1000 }
/** Output fields of an event that is told alone. */
const FIELDS = 40

/** What is told of a report; `among` others, it is told in short. */
export function cardOf(report: Report, among: boolean): Card {
  const { status, stage, message, rule, action, actionner, target, error, dryRun, objects, event, output } = report
  const fields = among ? [] : Object.entries(event.fields)
  const facts: (Fact | undefined)[] = [
    ['Rule', rule],
    ['Action', action],
    ['Actionner', actionner],
    target === undefined ? undefined : ['Output', target],
    ['Status', dryRun ? `${status} (dry run: nothing was changed)` : status],
    error === undefined || error === message ? undefined : ['Error', error],
    ...Object.entries(objects).map(([kind, name]): Fact => [`${kind[0]?.toUpperCase() ?? ''}${kind.slice(1)}`, name]),
    ['Ended', `${report.time} after ${Math.round(report.duration)} ms`],
    ['Trace id', report.traceId],
  ]
  const told: Fact[] = [
    ['Falco rule', event.rule],
    ['Priority', event.priority],
    ['Message', event.output],
    ['Source', event.source],
    ['Host', event.hostname],
    ['Time', event.time],
    ['Tags', event.tags.join(', ')],
  ]
  const hidden = fields.length - FIELDS
  return {
    status,
    title: cut(stage === 'output' ? `${action}: artifact for ${target ?? 'its output'}` : action, 200),
    summary: cut(message, VALUE),
    facts: bounded(facts.filter((fact) => fact !== undefined)),
    ...(output !== undefined && { output: cut(output, among ? OUTPUT.among : OUTPUT.alone) }),
    event: bounded(told),
    fields: [
      ...bounded(fields.slice(0, FIELDS)),
      ...(hidden > 0 ? [[`${hidden} fields more`, 'are in the log'] as const] : []),
    ],
  }
}

function bounded(facts: readonly Fact[]): Fact[] {
  return facts.filter(([, value]) => value !== '').map(([label, value]) => [cut(label, 100), cut(value, VALUE)])
}
