import { describe, expect, it } from 'vitest'
import type { Event } from './event.ts'
import { payloadOf } from './payload.ts'

const payload = (raw: string, context = { 'falco-talon.rule': 'a "rule"' }) => payloadOf({ raw } as Event, context)
const own = '"context":{"falco-talon.rule":"a \\"rule\\""}'

describe('payloadOf', () => {
  it.each([
    ['one member', '{"rule":"x"}', `{"rule":"x",${own}}`],
    ['none', ' { } ', `{${own}}`],
    ['a line feed at its end', '{"rule":"x"}\n', `{"rule":"x",${own}}`],
    ['braces in a text', '{"rule":"}{\\"}"}', `{"rule":"}{\\"}",${own}}`],
    [
      'names that objects have',
      '{"__proto__":{"a":1},"constructor":2}',
      `{"__proto__":{"a":1},"constructor":2,${own}}`,
    ],
    ['half a character', '{"rule":"\\ud800"}', `{"rule":"\\ud800",${own}}`],
  ])('puts the context into a body with %s', (_, raw, wanted) => {
    expect(payload(raw)).toBe(wanted)
  })

  it.each([
    '1667319338184268801',
    '18446744073709551615',
    '1.0',
    '-0',
    '1e400',
    '0.1000000000000000055',
    '1E+2',
    '[1.50,{"a":9007199254740993}]',
  ])('leaves the number %s as it is written', (number) => {
    expect(payload(`{"output_fields":{"evt.time":${number}}}`)).toBe(`{"output_fields":{"evt.time":${number}},${own}}`)
  })

  it('lets no event bring a context of its own, in any case', () => {
    const brought = payload('{"context":{"falco-talon.rule":"forged"},"rule":"x","context":{"b":1},"Context":{"c":1}}')
    expect(brought.match(/"context"/gi)).toHaveLength(1)
    expect(JSON.parse(brought)).toEqual({ rule: 'x', context: { 'falco-talon.rule': 'a "rule"' } })
  })
})
