import { createHash } from 'node:crypto'
import { PRIORITIES, type Report } from '@talon/plugin'
import type { Mailbox } from './address.ts'
import { cardOf } from './card.ts'
import { htmlOf } from './html.ts'
import { textOf } from './text.ts'
import { cut, visible } from './visible.ts'

/** A mail, ready to be encoded. */
export interface Mail {
  readonly from: Mailbox
  readonly to: readonly Mailbox[]
  readonly subject: string
  readonly messageId: string
  /** One for each event: clients show the mails of one event as a thread. */
  readonly references: readonly string[]
  readonly priority: 'high' | 'normal'
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly html?: string
}

/** From whom to whom, and in which form. */
export interface MailOptions {
  readonly from: Mailbox
  readonly to: readonly Mailbox[]
  readonly format: 'html' | 'text'
}

const FOOTER = 'Sent by Talon, which answers what Falco detects.'
const SUBJECT = 160
const URGENT = PRIORITIES.indexOf('Critical')

/** What is mailed of reports. The same reports make a mail of the same Message-ID, so that a second delivery is told. */
export function mailOf(reports: readonly [Report, ...Report[]], { from, to, format }: MailOptions): Mail {
  const [first, ...rest] = reports
  const subject = visible(cut(`[falco] ${rest.length ? digest(reports) : subjectOf(first)}`, SUBJECT))
  const cards = reports.map((report) => cardOf(report, rest.length > 0))
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1)
  const idOf = (...parts: readonly string[]) =>
    `<${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40)}@${domain}>`
  return {
    from,
    to,
    subject,
    messageId: idOf('reports', ...reports.map(({ id }) => id)),
    references: [...new Set(reports.map(({ event }) => idOf('event', event.id)))],
    priority: reports.some(({ event }) => PRIORITIES.indexOf(event.priority) >= URGENT) ? 'high' : 'normal',
    headers: {
      // RFC 3834, and what Exchange goes by: no out-of-office answers.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'X-Talon-Reports': String(reports.length),
      'X-Talon-Status': listed(reports.map(({ status }) => status)),
      'X-Talon-Rule': listed(reports.map(({ rule }) => rule)),
      'X-Talon-Actionner': listed(reports.map(({ actionner }) => actionner)),
      'X-Talon-Trace-Id': listed(reports.map(({ traceId }) => traceId)),
      'X-Falco-Priority': listed(reports.map(({ event }) => event.priority)),
    },
    text: textOf(cards, FOOTER),
    ...(format === 'html' && { html: htmlOf(cards, subject, FOOTER) }),
  }
}

/** The status comes first: a telephone shows no more than the beginning. */
function subjectOf({ status, dryRun, stage, action, target, rule, objects }: Report): string {
  const what = stage === 'output' ? `${action} to ${target ?? 'its output'}` : action
  const where = Object.entries(objects).map(([kind, name]) => `, ${kind} ${name}`)
  return `${status}${dryRun ? ' (dry run)' : ''}: ${what} (${rule})${where.join('')}`
}

function digest(reports: readonly Report[]): string {
  const counts = new Map<string, number>()
  for (const { status } of reports) counts.set(status, (counts.get(status) ?? 0) + 1)
  return `${reports.length} results: ${[...counts].map(([status, count]) => `${count} ${status}`).join(', ')}`
}

/** Each value once, for filters of mail programs. */
const listed = (values: readonly string[]) => visible(cut([...new Set(values)].join(', '), 400))
