import { setTimeout as sleep } from 'node:timers/promises'
import { ActionError } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { memoryJournal } from './memory.ts'
import { act, body, rule, start, step } from './talon.fixture.ts'

describe('what another process takes over', () => {
  it('is left as it is: no further step begins, and what is under way ends untold', async () => {
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    const passed = new AbortController()
    const released: string[] = []
    async function* work(): ReturnType<typeof journal.work> {
      for await (const { entry } of journal.work())
        yield {
          entry,
          tenure: {
            signal: passed.signal,
            valid: () => !entry.event.fields['late'],
            release: () => void released.push(entry.event.uuid),
          },
        }
    }
    const ran: string[] = []
    const hang = act('test:hang', undefined, {
      run: ({ signal }: { signal: AbortSignal }) => {
        ran.push('hang')
        return sleep(60_000, undefined, { signal })
      },
    })
    const { talon, told } = await start(rule(step('test:hang')), [hang], { journal: { ...journal, work } })
    await talon.handle(body())
    await talon.handle(body({ uuid: '2' }, { late: 'yes' }))
    while (!ran.length) await sleep(1)
    passed.abort(new Error('passed'))
    await sleep(20)
    expect([ran, told(), journal.stats().waiting, released.toSorted()]).toEqual([['hang'], [], 2, ['', '2']])
    expect((await journal.list({ limit: 10 })).map(({ steps }) => steps)).toEqual([{}, {}])
  })

  it('is not told as failed where the process was paused in mid-action, and its timers have not run yet', async () => {
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    const { signal } = new AbortController()
    let valid = true
    const released = Promise.withResolvers<void>()
    async function* work(): ReturnType<typeof journal.work> {
      for await (const { entry } of journal.work())
        yield { entry, tenure: { signal, valid: () => valid, release: () => released.resolve() } }
    }
    const paused = act('test:paused', () => {
      valid = false
      throw new ActionError('the action took longer than its timeout')
    })
    const { talon, told } = await start(rule(step('test:paused')), [paused], { journal: { ...journal, work } })
    await talon.handle(body())
    await released.promise
    expect([told(), journal.stats()]).toMatchObject([[], { waiting: 1, failed: 0 }])
    expect((await journal.list({ limit: 1 }))[0]?.steps).toEqual({})
  })
})
