import { stripVTControlCharacters, styleText } from 'node:util'
import type { Issue } from '@talon/plugin'

/** Colours a text, or leaves it as it is where the stream takes no colours. */
export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string

/** Colours only where the stream is a terminal; `NO_COLOR` and `FORCE_COLOR` are honoured. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (style, text) => styleText(style, text, { stream })
}

export const plain: Paint = (_style, text) => text

/** Characters of a source line that are shown at most. */
const WIDTH = 110
/** Characters behind the issue that are shown at least. */
const ROOM = 10
const COLOUR = { error: 'red', warning: 'yellow' } as const

/**
 * One issue for people:
 *
 *     rules.yaml:4:14: error: unknown actionner 'kubernetes:terminat'
 *       4 |   actionner: kubernetes:terminat
 *         |              ^^^^^^^^^^^^^^^^^^^ did you mean 'kubernetes:terminate'?
 */
export function issueText(issue: Issue, paint: Paint): string {
  const { level, message, file, line, column, hint } = issue
  const place = [file, line, column].filter((part) => part !== undefined).join(':')
  const head = `${place && `${paint('bold', place)}: `}${paint(['bold', COLOUR[level]], `${level}:`)} ${clean(message)}`
  const excerpt = excerptOf(issue)
  if (!excerpt) return hint ? `${head}\n    ${paint('cyan', clean(hint))}` : head
  const number = String(line)
  const bar = paint('dim', '|')
  const caret = paint(['bold', COLOUR[level]], '^'.repeat(excerpt.length))
  return [
    head,
    `  ${paint('dim', number)} ${bar} ${excerpt.text}`,
    `  ${' '.repeat(number.length)} ${bar} ${' '.repeat(excerpt.start)}${caret}${hint ? ` ${paint('cyan', clean(hint))}` : ''}`,
  ].join('\n')
}

interface Excerpt {
  readonly text: string
  /** Columns before the caret. */
  readonly start: number
  readonly length: number
}

/** The part of the line around the issue that fits, with tabs as blanks so that the caret stands below its text. */
function excerptOf({ source, column = 1, length = 1 }: Issue): Excerpt | undefined {
  if (source === undefined) return undefined
  const at = column - 1
  const before = clean(source.slice(0, at))
  const marked = clean(source.slice(at, at + length)) || ' '
  const after = clean(source.slice(at + length))
  const skipped = Math.max(0, before.length + Math.min(marked.length, WIDTH / 2) + ROOM - WIDTH)
  const lead = skipped ? `…${before.slice(skipped + 1)}` : before
  const whole = lead + marked + after
  const text = whole.length > WIDTH ? `${whole.slice(0, WIDTH - 1)}…` : whole.trimEnd()
  return { text, start: lead.length, length: Math.max(1, Math.min(marked.trimEnd().length, WIDTH - lead.length)) }
}

/** What a file says never steers the terminal. */
export function clean(text: string): string {
  return stripVTControlCharacters(text.replaceAll('\t', '  ')).replaceAll(/[\p{Cc}\p{Cf}]/gu, '·')
}
