import { setTimeout as sleep } from 'node:timers/promises'
import { definePlugin } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { decode } from './event.ts'
import { inspect } from './inspect.ts'
import { memoryJournal } from './memory.ts'
import { plan } from './plan.ts'
import { act, body, rule, start, step } from './talon.fixture.ts'

describe('an event', () => {
  it('goes its whole way, inside the observers, under one trace', async () => {
    const { talon, reports, stages, settled } = await start(rule(step('test:a')), [act('test:a')])
    const trace = '0af7651916cd43dd8448eb211c80319c'
    const answer = await talon.handle(body(), `00-${trace}-b7ad6b7169203331-01`)
    expect(answer).toMatchObject({ verdict: 'accepted', traceId: trace })
    await settled()
    expect(reports).toMatchObject([
      {
        stage: 'action',
        status: 'success',
        rule: 'Answer',
        action: 'test:a it',
        objects: { pod: 'web-0', namespace: 'default' },
        traceId: trace,
      },
    ])
    expect(stages.toSorted()).toEqual([
      'action:success',
      'checks:success',
      'event:success',
      'match:success',
      'notification:success',
    ])
  })

  it('is answered before anything is done, and a repeat is a duplicate', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { talon, told, settled } = await start(rule(step('test:slow')), [act('test:slow', () => released)])
    expect((await talon.handle(body())).verdict).toBe('accepted')
    expect((await talon.handle(body())).verdict).toBe('duplicate')
    expect(told()).toEqual([])
    release()
    await settled()
    expect(told()).toEqual(['test:slow success'])
  })

  it.each(['in one write', 'in two'])('that matches nothing is finished at once, %s', async (writes) => {
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    if (writes === 'in two') delete journal.conclude
    const { talon, stages, settled } = await start(rule(step('test:a')), [act('test:a')], { journal })
    expect((await talon.handle(body({ rule: 'Other' }))).verdict).toBe('accepted')
    await settled()
    expect(stages).toEqual(['event:ignored'])
  })
})

describe('starting', () => {
  it('ends with every issue where rules are wrong', async () => {
    const wrong = rule(step('test:nobody') + step('test:a', ', parameters: { x: 1 }') + step('test:none'))
    await expect(start(wrong, [act('test:a')])).rejects.toMatchObject({
      issues: expect.arrayContaining([
        expect.objectContaining({ file: 'rules.yaml', message: expect.stringContaining('test:nobody') }),
        expect.objectContaining({ file: 'rules.yaml', message: expect.stringContaining('test:none') }),
      ]),
    })
  })

  it('holds no more for an event that waits, however many others pass', async () => {
    const hold = Promise.withResolvers<void>()
    const { talon } = await start(rule(step('test:hold')), [act('test:hold', () => hold.promise)], {
      file: 'journal: { type: memory, max_events: 20000 }\ndeduplication: { time_window_seconds: 0 }\n',
    })
    // One place is left of those that are responded to at once.
    for (let count = 0; count < 9_999; count++) await talon.handle(body())
    await sleep(200)
    const before = process.memoryUsage().heapUsed
    for (let count = 0; count < 500; count++) await talon.handle(body({ rule: 'Nothing' }))
    for (let left = 2000; talon.stats().events > 9_999 && left; left--) await sleep(10)
    const grown = process.memoryUsage().heapUsed - before
    hold.resolve()
    expect(talon.stats().events).toBe(9_999)
    // A race of all that wait for each that passes took 480 MiB.
    expect(grown).toBeLessThan(200 * 2 ** 20)
  }, 60_000)

  it('goes on with what a journal kept: finished steps stay, repeatable ones run again, others are interrupted', async () => {
    const ran: string[] = []
    const once = act('test:once', () => void ran.push('once'), { repeatable: false })
    const again = act('test:again', () => void ran.push('again'))
    const kept = memoryJournal({ maxEvents: 10, now: () => 0 })
    const event = decode(body(), { id: '1', received: Date.now(), traceId: 'a'.repeat(32) })
    const rules = [{ name: 'r', text: rule(step('test:again') + step('test:again') + step('test:once')) }]
    const plugins = [definePlugin({ name: 'p', provides: [once, again] })]
    const { ruleset } = inspect({
      plugins,
      rules,
      config: readConfig({ env: {}, flags: { default_notifiers: ['keep'] } }).config,
    })
    const planned = plan(event, ruleset!)
    await kept.accept(event, { key: 'k', length: 0, sliding: false })
    await kept.plan(event.id, planned)
    await kept.step(event.id, '0.0', { state: 'success' })
    await kept.step(event.id, '0.2', { state: 'started' })
    const { told, settled } = await start(rule(step('test:again')), [once, again], { journal: kept })
    await settled()
    expect([ran, told()]).toEqual([['again'], ['test:again success', 'test:once interrupted']])
  })
})

describe('reloading', () => {
  it('swaps the rules, and keeps the old ones where the new ones are wrong', async () => {
    const { talon, told, settled } = await start(rule(step('test:a')), [act('test:a'), act('test:b')])
    await expect(talon.reload([{ name: 'new.yaml', text: rule(step('test:typo')) }])).rejects.toThrow(
      /new\.yaml.*test:typo/,
    )
    await talon.handle(body())
    await settled()
    await talon.reload([{ name: 'new.yaml', text: rule(step('test:b')) }])
    await talon.handle(body({ output: 'another' }, { n: 2 }))
    await settled()
    expect(told()).toEqual(['test:a success', 'test:b success'])
  })
})

describe('stopping', () => {
  it('finishes what is under way, takes no more, and leaves in the journal what takes too long', async () => {
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    const left: string[] = []
    const close = async () => {
      for (const { event } of await journal.list({ limit: 10 })) left.push(event.rule)
      await journal.close()
    }
    const hang = act('test:hang', undefined, {
      run: ({ signal }: { signal: AbortSignal }) => sleep(60_000, undefined, { signal }),
    })
    const rules = rule(step('test:a')) + rule(step('test:hang')).replace('Answer', 'Hang').replace('[Shell]', '[Long]')
    const { talon, told } = await start(rules, [act('test:a', () => sleep(30)), hang], {
      journal: { ...journal, close },
      flags: { shutdown_timeout: 0.2 },
    })
    await talon.handle(body())
    await talon.handle(body({ rule: 'Long' }))
    await talon.stop()
    expect([told(), left]).toEqual([['test:a success'], ['Long']])
    expect((await talon.handle(body({ rule: 'Late' }))).verdict).toBe('full')
  })
})
