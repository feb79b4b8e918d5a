import { existsSync, readFileSync } from 'node:fs'
import { EventError } from '@talon/plugin'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode } from './event.ts'

const receipt = { id: '1', received: 1_700_000_000_000, traceId: 'a'.repeat(32) }
const read = (body: object | string) => decode(typeof body === 'string' ? body : JSON.stringify(body), receipt)

/** The texts of the event's fields, or the reason why it is none; any other error is thrown on. */
function textsOrRefusal(body: string): unknown[] {
  try {
    return Object.values(read(body).fields)
  } catch (error) {
    if (error instanceof EventError) return [error.message]
    throw error
  }
}

describe('an event is read right', () => {
  it('when Falco writes it in full', () => {
    const event = read({
      rule: 'Terminal shell in container',
      priority: 'Notice',
      output: '23:39:44.834631763: Notice A shell was spawned',
      time: '2021-01-14T23:39:44.834631763Z',
      source: 'syscall',
      hostname: 'node-1',
      tags: ['container', 'T1059'],
      output_fields: {
        'k8s.pod.name': 'web-0',
        'proc.tty': 34817,
        'proc.pname': null,
        'user.name': '<NA>',
        'x.empty': '',
      },
    })
    expect(event).toMatchObject({
      rule: 'Terminal shell in container',
      priority: 'Notice',
      output: 'A shell was spawned',
    })
    expect(event).toMatchObject({ source: 'syscall', hostname: 'node-1', tags: ['container', 'T1059'] })
    expect(event.at).toBe(Date.parse('2021-01-14T23:39:44.834Z'))
    expect({ ...event.fields }).toEqual({ 'k8s.pod.name': 'web-0', 'proc.tty': '34817' })
    expect(Object.isFrozen(event) && Object.isFrozen(event.fields)).toBe(true)
  })

  it('when Falco was told to leave out output, tags and fields', () => {
    expect(read('{"rule":"x"}')).toMatchObject({
      output: '',
      tags: [],
      priority: 'Debug',
      source: 'syscall',
      at: receipt.received,
    })
    expect(read('{"rule":"x","tags":null,"output_fields":null,"priority":null}').fields).toEqual({})
  })

  it('with every digit of its numbers', () => {
    const { fields } = read(
      '{"rule":"x","output_fields":{"evt.time":1667319338184268801,"n":18446744073709551615,"p":0.0,"ok":443,"deep":{"t":[1667319338184268801,1.50]},"yes":true}}',
    )
    expect({ ...fields }).toEqual({
      'evt.time': '1667319338184268801',
      n: '18446744073709551615',
      p: '0.0',
      ok: '443',
      deep: '{"t":[1667319338184268801,1.50]}',
      yes: 'true',
    })
  })

  it('with texts that look like members kept as they are', () => {
    const { fields } = read(
      '{"rule":"x","output_fields":{"a":" : 12345678901234567890,","b":"\\\\","c":1.50,"d":"\\": 1.0}","e":[1.0,{"f":-0}],"g":-0}}',
    )
    expect({ ...fields }).toEqual({
      a: ' : 12345678901234567890,',
      b: '\\',
      c: '1.50',
      d: '": 1.0}',
      e: '[1.0,{"f":-0}]',
      g: '-0',
    })
  })

  it('as a reviver reads it, whatever its fields are', () => {
    const number = fc.oneof(
      fc.bigInt().map(String),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n.toExponential()),
      fc.tuple(fc.integer(), fc.nat(99999)).map(([a, b]) => `${a}.${b}0`),
    )
    const member = fc.oneof(
      number,
      fc
        .string({ unit: fc.constantFrom('"', '\\', ':', ',', '}', ' ', '1', '.', '0', 'e') })
        .map((text) => JSON.stringify(text)),
      fc.constantFrom('null', 'true', '-0', '{"n":1.0}'),
    )
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), (members) => {
        const { fields } = read(
          `{"rule":"x","output_fields":{${members.map((text, n) => `"f${n}":${text}`).join(',')}}}`,
        )
        const wanted = members.map((text) => (text.startsWith('"') ? (JSON.parse(text) as string) : text))
        expect(members.map((_, n) => fields[`f${n}`] ?? '')).toEqual(
          wanted.map((text) => (text === 'null' ? '' : text)),
        )
      }),
    )
  })

  it.each([
    ['1667319338184268801', 1667319338184.2688],
    ['"2021-04-13T20:58:00.746609046Z"', Date.parse('2021-04-13T20:58:00.746Z')],
    ['"2021-04-13T20:58:00.746609046Z+2"', receipt.received],
  ])('with the time %s', (time, at) => expect(read(`{"rule":"x","time":${time}}`).at).toBe(at))

  it.each([
    ['syscalls', 'syscall'],
    ['k8saudit', 'k8s_audit'],
    ['aws_cloudtrail', 'aws_cloudtrail'],
    ['', 'syscall'],
  ])('from the source %j', (source, name) => expect(read({ rule: 'x', source }).source).toBe(name))

  it("as internal where it is Falco's own and names no source", () =>
    expect(read({ rule: 'Falco internal: syscall event drop' }).source).toBe('internal'))

  it('whatever the case of its keys and priority', () =>
    expect(read({ Rule: 'x', PRIORITY: 'CRITICAL', Output_Fields: { a: 1 } })).toMatchObject({
      rule: 'x',
      priority: 'Critical',
      fields: { a: '1' },
    }))

  it('with keys that no other program would choose', () => {
    const { fields } = read(
      '{"rule":"x","output_fields":{"__proto__":"p","constructor":"c","ka.uri.param[command]":"sh","a b/c":"d"}}',
    )
    expect(Object.entries(fields)).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
      ['ka.uri.param[command]', 'sh'],
      ['a b/c', 'd'],
    ])
    expect(read('{"rule":"x"}').fields['toString']).toBeUndefined()
  })

  it('with either spelling of the leading time', () =>
    expect(read({ rule: 'x', output: '2016-08-04T16:17:57.881781397+0000: Warning An open was seen' }).output).toBe(
      'An open was seen',
    ))
})

describe('a body that is no event is refused with a reason', () => {
  it.each([
    ['{', /not JSON/],
    ['[]', /no JSON object/],
    ['null', /no JSON object/],
    ['{}', /rule is missing/],
    ['{"rule":""}', /rule is empty/],
    ['{"rule":"x","priority":"urgent"}', /priority is none of Debug/],
    ['{"rule":"x","output_fields":[1]}', /output_fields/],
    [`{"rule":"x","output_fields":{"a":${'['.repeat(200_000)}`, /not JSON/],
  ])('because of %2$s', (body, reason) => expect(() => read(body)).toThrow(reason))

  it('and nothing but that: whatever JSON comes, it is an event or an EventError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue()), (value, fields) => {
        for (const body of [JSON.stringify(value), JSON.stringify({ rule: 'x', ...fields, output_fields: fields })])
          expect(textsOrRefusal(body).every((text) => typeof text === 'string')).toBe(true)
      }),
    )
  })
})

const recorded = new URL('../../../../shared/data/falco-events.jsonl', import.meta.url)
describe.runIf(existsSync(recorded))('recorded events', () => {
  it('are all read', () => {
    const lines = readFileSync(recorded, 'utf8').split('\n').filter(Boolean)
    expect(lines.length).toBeGreaterThan(40)
    for (const line of lines) expect(read(line).rule).not.toBe('')
  })
})
