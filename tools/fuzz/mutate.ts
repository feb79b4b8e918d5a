/** Numbers from 0 to 1 that are the same for the same seed. Mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function randomOf(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Pieces that have broken parsers elsewhere. */
const TOKENS = [
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  'null',
  'true',
  '-',
  '-0',
  '1e999',
  '1.0',
  '0x1',
  'NaN',
  '18446744073709551616',
  '"rule":',
  '"output_fields":',
  '"__proto__":',
  '"toString":',
  '<NA>',
  '\u0000',
  '\u2028',
  '\uFEFF',
  '\uD800',
  '\u202E',
  ' ',
  '\n',
  '[...]',
  '12:00:00.1: Notice ',
  '"priority":"',
  '"time":',
  '"tags":',
]

/** A body of the corpus, changed in one to eight places: pieces cut, doubled, swapped with another body's, or put in. */
export function mutate(corpus: readonly string[], random: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  let body = pick(corpus)
  for (let changes = 1 + Math.floor(random() * 8); changes; changes--) {
    const [at, length] = [Math.floor(random() * body.length), Math.floor(random() * 24)]
    const [before, piece, after] = [body.slice(0, at), body.slice(at, at + length), body.slice(at + length)]
    const other = pick(corpus)
    const from = Math.floor(random() * other.length)
    body = pick([
      () => before + after,
      () => before + piece + piece + after,
      () => before + pick(TOKENS) + piece + after,
      () => before + pick(TOKENS) + after,
      () => before + other.slice(from, from + length) + after,
      () => before + String.fromCharCode(Math.floor(random() * 0x1_0000)) + after,
      () => before + piece.repeat(Math.floor(random() * 200)) + after,
      () => before + '['.repeat(Math.floor(random() * 5000)) + after,
    ])()
  }
  return body
}
