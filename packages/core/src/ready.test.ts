import { expect, it } from 'vitest'
import { memoryJournal } from './memory.ts'
import { act, rule, start, step } from './talon.fixture.ts'

it('an engine whose journal can keep nothing is not ready, and says so', async () => {
  const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
  let away = true
  const check = async () => {
    if (away) throw new Error('it is away')
  }
  const { talon } = await start(rule(step('test:a')), [act('test:a')], { journal: { ...journal, check } })
  const { signal } = new AbortController()
  expect(await talon.ready(signal)).toEqual({ ready: false, problems: ['journal: it is away'] })
  away = false
  expect(await talon.ready(signal)).toEqual({ ready: true, problems: [] })
})
