import { stageRunner, type StageEvent } from '@talon/core'
import { ActionError, done } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { createLogger, type LoggerOptions } from './log.ts'
import { logObserver } from './log-observer.ts'

function stand(options: Omit<LoggerOptions, 'stream'>, isTTY = false) {
  let text = ''
  const stream = { isTTY, write: (part: string) => ((text += part), true), once: () => {} }
  const log = createLogger({ env: {}, ...options, stream })
  const lines = () => {
    log.flush()
    return text.split('\n').slice(0, -1)
  }
  const told = () => lines().map((line): Record<string, unknown> => JSON.parse(line))
  return { log, lines, told }
}

const event: StageEvent = {
  id: '1',
  rule: 'Terminal shell',
  priority: 'Notice',
  source: 'syscall',
  output: 'a shell',
  hostname: 'h',
  tags: ['a'],
  fields: {},
  received: 0,
  traceId: 'abc',
}
const step = { event, rule: 'Answer', action: 'Do it', actionner: 'kubernetes:label' }

describe('a line', () => {
  it('is JSON where machines read it', () => {
    const { log, told } = stand({ format: 'json' })
    log.info('rules', { loaded: 3, none: undefined, error: new Error('why'), big: 2n ** 64n })
    expect(told()).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
        level: 'info',
        message: 'rules',
        loaded: 3,
        error: 'why',
        big: '18446744073709551616',
      },
    ])
  })

  it.each([
    ['text', true, {}, false],
    ['text', true, { FORCE_COLOR: '1' }, false],
    ['color', false, {}, false],
    ['color', false, { FORCE_COLOR: '1' }, true],
    ['color', true, {}, true],
    ['color', true, { NO_COLOR: '' }, true],
    ['color', true, { NO_COLOR: '1' }, false],
    ['color', true, { FORCE_COLOR: '0' }, false],
    ['color', true, { TERM: 'dumb' }, false],
  ] as const)('is words and pairs where people read it: %s, on a terminal %s, %o', (format, isTTY, env, colored) => {
    const { log, lines } = stand({ format, env }, isTTY)
    log.warn('it is late', { by: '5 s', who: 'me', objects: { pod: 'web-0', of: 'a b' }, tags: ['a', 'b'] })
    const [line = ''] = lines()
    expect(line.includes('\u001b[')).toBe(colored)
    // oxlint-disable-next-line no-control-regex -- colors are taken off
    expect(line.replaceAll(/\u001b\[\d+m/g, '')).toMatch(
      /^\S+Z WARN {2}it is late by="5 s" who=me pod=web-0 of="a b" tags=a,b$/,
    )
  })

  const hostile = 'x" status=success\n2026-01-01T00:00:00.000Z ERROR forged\r\u001b[2J\u0085\u2028\u202egnp.exe'

  it.each(['json', 'text', 'color'] as const)('cannot be forged by what an event holds, as %s', (format) => {
    const { log, lines } = stand({ format })
    const objects = { [hostile]: hostile }
    log.info('event', {
      output: hostile,
      [`name${hostile}`]: 1,
      nested: { [hostile]: [hostile] },
      objects,
      tags: [hostile],
    })
    log.info(hostile)
    const all = lines()
    expect(all).toHaveLength(2)
    expect(all.join('')).not.toMatch(/[\p{Cc}\u2028\u202e]/u)
  })

  it.each([
    ['a name that is a fact already', { status: 'success' }],
    ['a name that is no word', { 'x status=success y': '1' }],
    ['nothing', {}],
  ])('keeps objects together where they hold %s', (_, objects) => {
    const { log, lines } = stand({ format: 'text' })
    log.info('action', { objects, status: 'failure', tags: ['a,b', 'c'], none: [] })
    const json = (value: object) => JSON.stringify(JSON.stringify(value))
    expect(lines()[0]).toContain(` objects=${json(objects)} status=failure tags=${json(['a,b', 'c'])} none=${json([])}`)
  })

  it('gives back what an event held, as JSON, and keeps it in its quotes, as text', () => {
    const json = stand({ format: 'json' })
    json.log.info('event', { output: hostile })
    expect(json.told()[0]?.['output']).toBe(hostile)
    const text = stand({ format: 'text' })
    text.log.info('event', { output: hostile, objects: { pod: hostile }, tags: [hostile] })
    expect(text.lines()[0]?.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')).toMatch(
      /^\S+Z INFO {2}event output="" pod="" tags=""$/,
    )
  })

  it('is bounded, however long or deep its facts are', () => {
    const { log, lines } = stand({ format: 'json' })
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    log.info('big', { output: 'x'.repeat(1_000_000), circle })
    expect(lines()[0]?.length).toBeLessThan(5000)
    expect(lines()[0]).toContain('… (1000000 characters)')
  })

  it.each(['json', 'text'] as const)('shows no secret: not by its name, not by its value, as %s', (format) => {
    const secrets = ['https://hooks.test/T0/"quoted"\\secret', 'hunter22', 'abc']
    const { log, lines } = stand({ format, secrets })
    log.info('sent to hunter22', { url: secrets[0], deep: { why: `no ${secrets[0]} there` }, abc: 'abc' })
    log.info('event', {
      webhook_url: 'https://a',
      password: 'p',
      nested: { api_key: 'k3y', Authorization: 'Bearer b' },
    })
    const all = lines().join('\n')
    expect(all).not.toMatch(/hooks\.test|quoted|hunter22|k3y|Bearer|https:/)
    expect(all).toContain('abc')
  })

  it('of a level that is off is not written', () => {
    const { log, lines } = stand({ format: 'text', level: 'warn' })
    log.info('no')
    log.error('yes')
    expect(lines()).toEqual([expect.stringMatching(/ERROR yes$/)])
  })
})

describe('stages', () => {
  it('are a line each, with what came of them and the trace', async () => {
    const { log, told } = stand({ format: 'json' })
    let clock = 0
    const run = stageRunner([logObserver(log, { printAllEvents: true, now: () => (clock += 1.5) })])
    await run({ name: 'event', event }, async () => {
      await run({ name: 'match', event, rule: 'Answer' }, async () => done('matched'))
      await run({ name: 'context', ...step, context: 'aws' }, async () => done('read'))
      await run({ name: 'action', ...step, dryRun: true }, async () => done('labelled', { pod: 'web-0' }))
      await run({ name: 'output', ...step, target: 'local:file' }, () => Promise.reject(new ActionError('disk full')))
      await run({ name: 'notification', ...step, notifier: 'slack' }, async () => done('told', {}, { output: 'ok' }))
      return done('over')
    })
    const about = { event: 'Terminal shell', priority: 'Notice', source: 'syscall' }
    const acted = { ...about, rule: 'Answer', action: 'Do it', actionner: 'kubernetes:label' }
    const end = { duration_ms: 1.5, trace_id: 'abc' }
    const objects = { pod: 'web-0' }
    const time = expect.any(String) as string
    expect(told()).toEqual([
      {
        time,
        level: 'info',
        message: 'event',
        ...about,
        output: 'a shell',
        hostname: 'h',
        tags: ['a'],
        trace_id: 'abc',
      },
      { time, level: 'info', message: 'match', ...about, rule: 'Answer', trace_id: 'abc' },
      {
        time,
        level: 'info',
        message: 'action',
        ...acted,
        status: 'success',
        output: 'labelled',
        objects,
        dry_run: true,
        ...end,
      },
      {
        time,
        level: 'error',
        message: 'output',
        ...acted,
        target: 'local:file',
        status: 'failure',
        error: 'disk full',
        ...end,
      },
      {
        time,
        level: 'info',
        message: 'notification',
        ...acted,
        notifier: 'slack',
        status: 'success',
        output: 'told',
        result: 'ok',
        ...end,
      },
    ])
  })

  it('of an event that matches nothing are silent where that is wished, and the event comes before its match', async () => {
    const { log, told } = stand({ format: 'json' })
    const run = stageRunner([logObserver(log, { printAllEvents: false })])
    await run({ name: 'event', event: { ...event, id: '2' } }, async () => done('no rule'))
    await run({ name: 'event', event }, async () => {
      for (const rule of ['One', 'Two']) await run({ name: 'match', event, rule }, async () => done('matched'))
      return done('over')
    })
    expect(told().map(({ message, rule }) => [message, rule])).toEqual([
      ['event', undefined],
      ['match', 'One'],
      ['match', 'Two'],
    ])
  })
})
