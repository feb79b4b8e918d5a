import { setTimeout as sleep } from 'node:timers/promises'
import { defineClient, done } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { memoryJournal } from './memory.ts'
import { act, body, rule, start, step } from './talon.fixture.ts'

const clusterThat = (isThere: () => boolean) =>
  defineClient({
    name: 'cluster',
    summary: 'A cluster',
    settings: z.object({}),
    open: () => 'client',
    check: () => (isThere() ? Promise.resolve() : Promise.reject(new Error('connection refused'))),
  })

describe('a cluster that is away at the start', () => {
  it('is waited for: the event is taken, and acted on when it is there', async () => {
    let there = false
    const cluster = clusterThat(() => there)
    const { talon, told, settled } = await start(rule(step('test:a')), [
      act('test:a', undefined, { uses: { cluster } }),
    ])
    expect(await talon.ready(new AbortController().signal)).toEqual({
      ready: false,
      problems: ['cluster: connection refused'],
    })
    await talon.handle(body())
    await sleep(20)
    expect(told()).toEqual([])
    there = true
    await settled()
    expect(told()).toEqual(['test:a success'])
    expect(await talon.ready(new AbortController().signal)).toEqual({ ready: true, problems: [] })
  })

  it('is waited for as long as it takes: that is no time of the action', async () => {
    const opens = performance.now() + 1500
    const cluster = clusterThat(() => performance.now() > opens)
    const works = act('test:a', undefined, {
      uses: { cluster },
      async run({ signal }: { signal: AbortSignal }) {
        await sleep(5, undefined, { signal })
        return done('done')
      },
    })
    const { talon, told, settled } = await start(rule(step('test:a', ', timeout: 1')), [works])
    await talon.handle(body())
    await settled()
    expect(told()).toEqual(['test:a success'])
  })

  it('is not waited for where the event lacks what the action needs; nothing is marked as begun while one waits', async () => {
    const cluster = clusterThat(() => false)
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    const once = act('test:once', undefined, { uses: { cluster }, repeatable: false })
    const { talon, told } = await start(rule(step('test:once')), [once], { journal, flags: { shutdown_timeout: 0 } })
    await talon.handle(body({ output_fields: {} }))
    while (!told().length) await sleep(1)
    expect(told()).toEqual(['test:once failure'])
    await talon.handle(body({ uuid: 'waits' }))
    await sleep(20)
    const [waits] = (await journal.list({ limit: 10 })).filter(({ event }) => event.uuid === 'waits')
    expect([waits?.state, waits?.steps]).toEqual(['unfinished', {}])
  })
})
