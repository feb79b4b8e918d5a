import type { Report } from '@talon/plugin'
import { expect, it } from 'vitest'
import type { Letter } from './journal.ts'
import { memoryJournal } from './memory.ts'
import { act, body, rule, start, step } from './talon.fixture.ts'

it('what a server that died had not told is told by one that lives, and noted as delivered', async () => {
  const dead = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const delivered: Letter[] = []
  const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
  const first = await start(rule(step('test:a')), [act('test:a')])
  await first.talon.handle(body())
  await first.settled()
  const [report] = first.reports as [Report]
  const letter = { notifier: 'keep', report: { ...report, id: 'left' } }
  async function* inherited(): AsyncGenerator<Letter> {
    await dead.promise
    yield letter
    await closed.promise
  }
  const { talon, reports, settled } = await start(rule(step('test:a')), [act('test:a')], {
    journal: {
      ...journal,
      inherited,
      delivered: async (one) => void delivered.push(one),
      async close() {
        closed.resolve()
        await journal.close()
      },
    },
  })
  await talon.handle(body())
  await settled()
  expect(reports).toHaveLength(1)
  dead.resolve()
  while (!delivered.includes(letter)) await new Promise((resolve) => setTimeout(resolve, 1))
  expect(reports.slice(1)).toEqual([letter.report])
  // It ends with the journal.
  await talon.stop()
})
