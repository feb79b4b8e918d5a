import { PassThrough } from 'node:stream'
import { stageRunner, type StageEvent } from '@talon/core'
import { ActionError, done } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { createLogger, type LoggerOptions } from './log.ts'
import { logObserver } from './log-observer.ts'

function stand(format: LoggerOptions['format'], isTTY = false) {
  const stream = Object.assign(new PassThrough(), { isTTY })
  const lines = () =>
    String(stream.read() ?? '')
      .trimEnd()
      .split('\n')
      .filter(Boolean)
  return { log: createLogger({ format, stream }), lines }
}
const event: StageEvent = {
  id: '1',
  rule: 'Terminal shell',
  priority: 'Notice',
  source: 'syscall',
  output: 'a shell\n2026-01-01 ERROR forged \u001b[31mred',
  hostname: 'h',
  tags: ['a'],
  fields: {},
  received: 0,
  traceId: 'abc',
}
const step = { event, rule: 'Answer', action: 'Do it', actionner: 'kubernetes:label' }

describe('a line', () => {
  it('is JSON where machines read it', () => {
    const { log, lines } = stand('json')
    log.info('rules', { loaded: 3, none: undefined })
    expect(lines().map((line) => JSON.parse(line))).toEqual([
      { time: expect.stringMatching(/^\d{4}-.*Z$/), level: 'info', message: 'rules', loaded: 3 },
    ])
  })
  it('is words and pairs where people do, in color on a terminal alone', () => {
    for (const [format, isTTY, colored] of [
      ['text', true, false],
      ['color', false, false],
      ['color', true, true],
    ] as const) {
      const { log, lines } = stand(format, isTTY)
      log.warn('it is late', { by: '5 s', who: 'me' })
      const [line = ''] = lines()
      expect(line.includes('\u001b[33m')).toBe(colored)
      expect(line).toMatch(/^\S+Z \S*WARN \S* ?it is late by="5 s" who=me$/)
    }
  })
  it.each(['json', 'text'] as const)('is one line, as %s, whatever an event holds, and shows no secret', (format) => {
    const { log, lines } = stand(format)
    log.info('event', {
      output: event.output,
      webhook_url: 'https://hooks.test/s',
      password: 'p',
      big: 'x'.repeat(10_000),
    })
    const all = lines()
    expect(all.length).toBe(1)
    // oxlint-disable-next-line no-control-regex -- no escape may reach a terminal
    expect(all[0]).not.toMatch(/hooks\.test|\u001b/)
    expect(all[0]?.length).toBeLessThan(5_000)
  })
})

describe('stages', () => {
  it('are a line each, with what came of them and the trace', async () => {
    const { log, lines } = stand('json')
    const run = stageRunner([logObserver(log, { printAllEvents: true })])
    await run({ name: 'event', event }, async () => {
      await run({ name: 'match', event, rule: 'Answer' }, async () => done('matched'))
      await run({ name: 'action', ...step, dryRun: true }, async () => done('labelled', { pod: 'web-0' }))
      await run({ name: 'output', ...step, target: 'local:file' }, () => Promise.reject(new ActionError('disk full')))
      return done('over')
    })
    const told = lines().map((line): Record<string, unknown> => JSON.parse(line))
    expect(told.map(({ level, message }) => `${String(level)} ${String(message)}`)).toEqual([
      'info event',
      'info match',
      'info action',
      'error output',
    ])
    expect(told[0]).toMatchObject({ event: 'Terminal shell', priority: 'Notice', source: 'syscall', trace_id: 'abc' })
    expect(told[2]).toMatchObject({
      rule: 'Answer',
      actionner: 'kubernetes:label',
      status: 'success',
      objects: { pod: 'web-0' },
      dry_run: true,
      duration_ms: expect.any(Number),
    })
    expect(told[3]).toMatchObject({ target: 'local:file', status: 'failure', error: 'disk full', trace_id: 'abc' })
  })

  it('of an event that matches nothing are silent where that is wished', async () => {
    const { log, lines } = stand('json')
    const run = stageRunner([logObserver(log, { printAllEvents: false })])
    await run({ name: 'event', event }, async () => done('no rule'))
    expect(lines()).toEqual([])
  })
})
