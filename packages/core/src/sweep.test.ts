import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineOutput, done } from '@talon/plugin'
import { expect, it, onTestFinished, vi } from 'vitest'
import { memoryJournal } from './memory.ts'
import { act, base, body, rule, spoolPath, start, step } from './talon.fixture.ts'

const collect = act('test:collect', undefined, {
  output: 'required',
  run: async () =>
    done(
      'collected',
      {},
      {
        artifact: {
          name: 'a.log',
          async *open() {
            yield Buffer.from('evidence')
          },
        },
      },
    ),
})
const hang = defineOutput({
  ...base,
  name: 'test:hang',
  run: ({ signal }) => sleep(60_000, done('stored'), { signal }),
})

it('an artifact of an event that passed to another process stays until that one has finished it, and no longer', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
  const passed = new AbortController()
  const released = Promise.withResolvers<void>()
  async function* work(): ReturnType<typeof journal.work> {
    for await (const { entry } of journal.work())
      yield { entry, tenure: { signal: passed.signal, valid: () => true, release: () => released.resolve() } }
  }
  const actions = step('test:collect', ', output: { target: "test:hang" }')
  const { talon } = await start(rule(actions), [collect, hang], { journal: { ...journal, work } })
  const minute = async () => {
    vi.advanceTimersByTime(60_000)
    await sleep(50)
    return [talon.stats().spooled, readdirSync(spoolPath).length]
  }
  await talon.handle(body())
  const [entry] = await journal.list({ limit: 1 })
  const { id } = entry!.event
  while (!(await journal.show(id))?.steps['0.0']?.collected) await sleep(1)
  expect(await minute()).toEqual([8, 1])
  passed.abort(new Error('passed'))
  await released.promise
  expect(await minute()).toEqual([8, 1])
  await journal.finish(id, 'done')
  let swept = await minute()
  for (let left = 40; swept[0] && left; left--) swept = await minute()
  expect(swept).toEqual([0, 0])
})
