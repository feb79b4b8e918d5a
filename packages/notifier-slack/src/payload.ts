import type { Report } from '@talon/plugin'
import { literal, oneLine } from './text.ts'

/** https://docs.slack.dev/reference/block-kit/composition-objects/text-object */
interface Text {
  readonly type: 'plain_text' | 'mrkdwn'
  readonly text: string
  readonly emoji?: false
}

/** The blocks that are used, of https://docs.slack.dev/reference/block-kit/blocks. */
type Block =
  | { readonly type: 'section'; readonly text: Text }
  | { readonly type: 'section'; readonly fields: readonly Text[] }
  | { readonly type: 'context'; readonly elements: readonly Text[] }

/** What an incoming webhook takes. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
export interface Payload {
  /** Stands in notifications, and where blocks cannot be shown. */
  readonly text: string
  readonly mrkdwn: false
  readonly link_names: false
  readonly unfurl_links: false
  readonly unfurl_media: false
  readonly username: string
  readonly icon_url?: string
  readonly icon_emoji?: string
  readonly blocks: readonly Block[]
  readonly attachments?: readonly [{ readonly color: string; readonly fallback: string; readonly blocks: Block[] }]
}

/** How a message looks: settings of the notifier. */
export interface Look {
  readonly username: string
  /** Address of a picture, or `:emoji:`. */
  readonly icon: string
  readonly footer: string
  readonly format: 'long' | 'short'
}

/** Characters that Slack takes in one text of a section; in one of its fields it takes 2,000. */
const TEXT = 3000
/** Of what is not the result itself. All texts of a message together stay below 13,200: Slack refuses more. */
const [LINE, NAME, NOTE] = [500, 150, 1500]
/** Slack takes ten fields a section, two of which are a row here. */
const ROWS = 5

const COLORS: Readonly<Record<Report['status'], string>> = {
  success: '#23ba47',
  failure: '#e20b0b',
  interrupted: '#e8912d',
  ignored: '#a4a8b1',
  in_progress: '#206cff',
}
const MARKS: Readonly<Record<Report['status'], string>> = {
  success: '✅',
  failure: '❌',
  interrupted: '⚠️',
  ignored: '➖',
  in_progress: '⏳',
}

/** The message for a report. All that comes from the event stands in it as plain text, escaped. */
export function payloadOf(report: Report, look: Look): Payload {
  const line = look.format === 'short' ? shortLine(report) : headline(report)
  const icon = /^:.*:$/.test(look.icon) ? { icon_emoji: look.icon } : { icon_url: look.icon }
  return {
    text: line,
    mrkdwn: false,
    link_names: false,
    unfurl_links: false,
    unfurl_media: false,
    username: look.username,
    ...(look.icon && icon),
    blocks: [section(line)],
    ...(look.format === 'long' && {
      attachments: [{ color: COLORS[report.status], fallback: line, blocks: details(report, look) }],
    }),
  }
}

/** `✅ Success: action 'End it' of rule 'Shell in a container'` */
function headline({ status, stage, target, action, rule, dryRun }: Report): string {
  const what = stage === 'output' ? `output ${target} of action` : 'action'
  const words = `${status[0]?.toUpperCase()}${status.slice(1).replace('_', ' ')}${dryRun ? ' (dry run)' : ''}`
  return oneLine(`${MARKS[status]} ${words}: ${what} '${action}' of rule '${rule}'`, LINE)
}

function shortLine(report: Report): string {
  return `${headline(report)}: ${oneLine(report.error ?? report.message, LINE)}`
}

function details(report: Report, { footer }: Look): Block[] {
  const { event, error, output } = report
  const rows = rowsOf(report)
  return [
    section(literal(report.message, NOTE)),
    ...chunks(rows, ROWS).map((some): Block => ({
      type: 'section',
      fields: some.flatMap(([label, value]) => [{ type: 'mrkdwn', text: `*${label}*` }, plain(value)]),
    })),
    section(literal(`Event: ${event.output || event.rule}`, NOTE)),
    ...(error !== undefined && error !== report.message ? [section(literal(`Error: ${error}`, NOTE))] : []),
    ...(output === undefined ? [] : [section(literal(`Result:\n${output}`, TEXT))]),
    { type: 'context', elements: [...(footer ? [linked(footer)] : []), plain(oneLine(report.time, NAME))] },
  ]
}

/** Label and value. */
function rowsOf({ rule, action, actionner, stage, target, objects, event, traceId }: Report) {
  const acted = Object.entries(objects).map(([name, value]) => oneLine(`${name}: ${value}`, NAME))
  const rows: readonly (readonly [string, string])[] = [
    ['Rule', rule],
    ['Action', action],
    ['Actionner', actionner],
    ...(stage === 'output' && target !== undefined ? [['Output', target] as const] : []),
    ['Falco rule', event.rule],
    ['Priority', event.priority],
    ['Trace', traceId],
  ]
  return [
    ...rows.map(([label, value]) => [label, oneLine(value, NAME)] as const),
    ...(acted.length ? [['Objects', acted.slice(0, ROWS * 2).join('\n')] as const] : []),
  ]
}

const plain = (text: string): Text => ({ type: 'plain_text', text, emoji: false })
const section = (text: string): Block => ({ type: 'section', text: plain(text) })
/** The operator's own text: an address in it becomes a link. */
const linked = (text: string): Text => ({ type: 'mrkdwn', text: oneLine(text, LINE) })

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size))
}
