/**
 * Text on one line, where nothing hides: control and format characters show as escapes, such as `\n` and `\u{202e}`.
 * Tabs stay: what commands print is laid out with them.
 */
export function visible(text: string): string {
  return text.toWellFormed().replace(/(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return NAMED[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`
  })
}

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r' }

/** The lines of a text. */
export const linesOf = (text: string): string[] => text.trimEnd().split(/\r?\n/)

/** The beginning of a text that is longer than `limit` characters, and how much is missing. */
export function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}… (${text.length - limit} characters more)` : text
}
