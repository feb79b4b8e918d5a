import type { Verdict } from '@talon/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { accept } from '../../core/src/journal.fixture.ts'
import { openStand } from './stand.fixture.ts'

const LENGTH = 5000

const move = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('accept' as const), key: fc.constantFrom('a', 'b') }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('pass' as const), by: fc.constantFrom(1, 2500, LENGTH - 1, LENGTH) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('finish' as const),
      which: fc.nat(4),
      result: fc.constantFrom('done' as const, 'failed' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)

it('suppresses what a list of all events says it should, whatever comes in between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(move, { minLength: 40, maxLength: 80 }), async (sliding, moves) => {
      const stand = await openStand()
      /** All that were accepted, with the end of their window. */
      const list: { key: string; until: number; repeats: number; finished: boolean }[] = []
      const given: Verdict[] = []
      const wanted: Verdict[] = []
      let [time, count] = [0, 0]
      try {
        for (const move of moves)
          if (move.do === 'pass') {
            time += move.by
            stand.pass(move.by)
          } else if (move.do === 'restart') await stand.restart()
          else if (move.do === 'finish') {
            const entry = list[move.which]
            if (!entry || entry.finished) continue
            await stand.journal.finish(String(move.which), move.result)
            entry.finished = true
            if (move.result === 'failed') entry.until = 0
          } else {
            const open = list.find(({ key, until }) => key === move.key && until > time)
            const id = open ? `again-${count++}` : String(list.length)
            given.push(await accept(stand.journal, id, { key: move.key, sliding }))
            wanted.push(open ? 'duplicate' : 'accepted')
            if (!open) list.push({ key: move.key, until: time + LENGTH, repeats: 0, finished: false })
            else {
              open.repeats++
              if (sliding) open.until = time + LENGTH
            }
          }
        expect(given).toEqual(wanted)
        for (const [place, { repeats }] of list.entries())
          expect(await stand.journal.show(String(place))).toMatchObject({ repeats })
      } finally {
        await stand.close()
      }
    }),
    { numRuns: 10 },
  )
}, 180_000)

it('opens a window no longer than it was, where the clock was set back an hour while it was down', async () => {
  const stand = await openStand()
  try {
    await accept(stand.journal, '1', { key: 'k' })
    let now = 1_800_000_000_000 - 3_600_000
    const clock = () => now
    await stand.restart({ now: clock, monotonic: clock })
    expect(await accept(stand.journal, '2', { key: 'k' })).toBe('duplicate')
    now += LENGTH + 1
    expect(await accept(stand.journal, '3', { key: 'k' })).toBe('accepted')
  } finally {
    await stand.close()
  }
})

it('does not mind a clock that is set back while it runs', async () => {
  let [now, monotonic] = [1_800_000_000_000, 0]
  const stand = await openStand({ now: () => now, monotonic: () => monotonic })
  try {
    await accept(stand.journal, '1', { key: 'k' })
    now -= 3_600_000
    monotonic += LENGTH - 1
    expect(await accept(stand.journal, '2', { key: 'k' })).toBe('duplicate')
    monotonic += 1
    expect(await accept(stand.journal, '3', { key: 'k' })).toBe('accepted')
  } finally {
    await stand.close()
  }
})
