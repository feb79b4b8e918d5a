import { describe, expect, it } from 'vitest'
import { beginningOf, excerptOf, retryAfterOf } from './answer.ts'

describe('an answer', () => {
  it('without an end is read no further than its limit, and let go', async () => {
    let [sent, open] = [0, true]
    async function* endless() {
      try {
        for (; ; sent += 1000) yield Buffer.alloc(1000, 'x')
      } finally {
        open = false
      }
    }
    expect(await beginningOf(endless(), 2500)).toBe('x'.repeat(2500))
    expect([sent, open]).toEqual([2000, false])
  })

  it('that is short is read whole, characters that are cut between two chunks too', async () => {
    async function* pieces() {
      yield* [Buffer.from([0xc3]), Buffer.from([0xa9, 0x21])]
    }
    expect(await beginningOf(pieces(), 100)).toBe('é!')
  })

  it('is repeated on one line, without what a terminal obeys or nobody sees', () => {
    expect(excerptOf(' one\r\ntwo\u001b[31m\u202e\u2028three\u0000 ', 100)).toBe('one two [31m three')
  })

  it.each([
    ['abcdef', 5, 'abcde…'],
    ['abcde', 5, 'abcde'],
    ['abcd\u{1f4a9}', 5, 'abcd\ufffd…'],
  ])('of %j is repeated as far as %i characters', (text, limit, shown) => {
    expect(excerptOf(text, limit)).toBe(shown)
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-11-24T12:00:00Z')
  it.each([
    ['7', 7000],
    [' 0 ', 0],
    [['3', '9'], 3000],
    ['Tue, 24 Nov 2026 12:01:00 GMT', 60_000],
    ['Tue, 24 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %j asks to wait %s ms', (header, wait) => {
    expect(retryAfterOf(header, now)).toBe(wait)
  })
})
