const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text on one line, where nothing hides: control and format characters show as escapes, such as `\n` and `\u{202e}`. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
      (character) => NAMED[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`,
    )
}

/** The lines of a text, each with nothing hidden. */
export function visibleLines(text: string): string[] {
  return text.split(/\r?\n/).map((line) => line.split('\t').map(visible).join('\t'))
}

/** The beginning of a text that is longer than `limit` characters, and how much is missing. */
export function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}… (${text.length - limit} characters more)` : text
}
