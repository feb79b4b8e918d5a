import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { memoryJournal } from './memory.ts'
import { act, body, rule, start, step } from './talon.fixture.ts'

describe('a journal that takes nothing for a while', () => {
  it('is waited for: what was done is told and noted once, and nothing is done again', async () => {
    const journal = memoryJournal({ maxEvents: 10, now: () => 0 })
    let full = true
    const when =
      <A extends unknown[]>(write: (...args: A) => Promise<void>) =>
      async (...args: A) => {
        if (full) throw new Error('no space left on the disk')
        return write(...args)
      }
    const ran: string[] = []
    const once = act('test:once', () => void ran.push('once'), { repeatable: false })
    const { talon, told, settled } = await start(rule(step('test:once')), [once], {
      journal: {
        ...journal,
        plan: when((...given) => journal.plan(...given)),
        step: when((...given) => journal.step(...given)),
        finish: when((...given) => journal.finish(...given)),
      },
    })
    await talon.handle(body())
    await sleep(50)
    expect(ran).toEqual([])
    full = false
    await settled()
    expect([ran, told(), journal.stats().failed]).toEqual([['once'], ['test:once success'], 0])
  })
})
