/** https://docs.slack.dev/messaging/formatting-message-text/#escaping: Slack turns these three back into what they were. */
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const CUT = '…'

/**
 * Text that stands in a message as it is: no mention, no link, no line that runs backwards. Cut at `limit` characters
 * (UTF-16 units, entities counted as they are written), between two characters.
 * @returns never an empty text: Slack refuses those.
 */
export function literal(text: string, limit: number): string {
  let written = ''
  let fits = 0
  for (const character of text.toWellFormed().replaceAll('\r\n', '\n')) {
    written += ENTITIES[character] ?? shown(character)
    if (written.length > limit) return written.slice(0, fits) + CUT
    if (written.length <= limit - CUT.length) fits = written.length
  }
  return written.trim() === '' ? '–' : written
}

/** The same on one line. */
export function oneLine(text: string, limit: number): string {
  return literal(text.replace(/[\s\p{Zl}\p{Zp}]+/gu, ' ').trim(), limit)
}

/** What cannot be seen, or turns the direction of what follows, is shown by its number: it may be what matters. */
function shown(character: string): string {
  if (character === '\n') return character
  if (character === '\t') return ' '
  if (!/[\p{C}\p{Zl}\p{Zp}]/u.test(character)) return character
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}
