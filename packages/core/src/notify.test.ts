import { setTimeout as sleep } from 'node:timers/promises'
import { ActionError, defineNotifier, done } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { letterOf } from './journal.fixture.ts'
import { memoryJournal } from './memory.ts'
import { act, base, body, rule, start, step } from './talon.fixture.ts'

describe('notifiers', () => {
  it('that hang hold up no action, and what fails for good is a failed stage', async () => {
    const hang = defineNotifier({
      ...base,
      name: 'hang',
      run: ({ signal }) => sleep(60_000, undefined, { signal }).then(() => done('late')),
    })
    const broken = defineNotifier({
      ...base,
      name: 'broken',
      run: () => Promise.reject(new ActionError('no such channel')),
    })
    const { talon, reports, stages } = await start(
      rule(step('test:a'), 'notifiers: [hang, broken]'),
      [act('test:a'), hang, broken],
      { flags: { shutdown_timeout: 0.05 } },
    )
    for (let n = 0; n < 20; n++) await talon.handle(body({}, { n }))
    for (let left = 200; reports.length < 20 && left; left--) await sleep(5)
    expect(reports.length).toBe(20)
    expect(stages.filter((stage) => stage === 'notification:failure').length).toBe(20)
  })

  it('go together to who takes many at once, and what is left goes at the end', async () => {
    const calls: number[] = []
    const many = defineNotifier({
      ...base,
      name: 'many',
      batch: 50,
      async run({ reports }) {
        calls.push(reports.length)
        return done('told')
      },
    })
    const { talon } = await start(rule(step('test:a'), 'notifiers: [many]'), [act('test:a'), many])
    for (let n = 0; n < 120; n++) await talon.handle(body({}, { n }))
    await talon.stop()
    expect(calls.toSorted((a, b) => b - a)).toEqual([50, 50, 20])
  })

  it('are tried again where that makes sense', async () => {
    let tries = 0
    const flaky = defineNotifier({
      ...base,
      name: 'flaky',
      async run() {
        if (++tries < 3) throw new ActionError('429', { retryable: true, retryAfter: 1 })
        return done('sent')
      },
    })
    const { talon, stages, settled } = await start(rule(step('test:a'), 'notifiers: [flaky]'), [act('test:a'), flaky])
    await talon.handle(body())
    await settled()
    await sleep(20)
    expect([tries, stages.filter((stage) => stage === 'notification:success').length]).toEqual([3, 2])
  })

  it('are told what an earlier run left, however much it is, as fast as they take it', async () => {
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    const ids = Array.from({ length: 12_000 }, (_, id) => String(id))
    const taken: string[] = []
    const slow = defineNotifier({
      ...base,
      name: 'slow',
      batch: 200,
      async run({ reports }) {
        await sleep(1)
        taken.push(...reports.map(({ id }) => id))
        return done('taken')
      },
    })
    async function* letters() {
      for (const id of ids) yield letterOf(id, 'slow')
    }
    await start(rule(step('test:a')), [act('test:a'), slow], { journal: { ...journal, letters } })
    for (let left = 1000; taken.length < ids.length && left; left--) await sleep(5)
    expect(taken).toEqual(ids)
  })
})
