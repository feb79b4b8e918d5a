import { describe, expect } from 'vitest'
import { decode } from './event.ts'
import { PROGRESS, progress, windowOf, accept, letterOf, lettersOf, take, type Journey } from './journal.fixture.ts'

/** What holds across the end of the process. */
export function checkRestart(journey: Journey): void {
  describe('after a restart', () => {
    journey('gives the most urgent first, then the oldest, then what is new, and nothing twice', async (stand) => {
      await accept(stand.journal, '1')
      await accept(stand.journal, '2', { priority: 'Critical' })
      await accept(stand.journal, '3')
      await accept(stand.journal, '4', { priority: 'Emergency' })
      await accept(stand.journal, '5')
      await stand.journal.finish('5', 'done')
      await stand.restart?.()
      await accept(stand.journal, '6', { priority: 'Emergency' })
      const entries = await take(stand.journal, 5)
      expect(entries.map(({ event }) => event.id)).toEqual(['4', '2', '1', '3', '6'])
    })
    journey('knows the event as it was, and how far it got', async (stand) => {
      const event = decode(JSON.stringify({ rule: 'x', output_fields: { 'evt.time': 1, odd: 'a\u0000b ✓' } }), {
        id: '1',
        received: 1000.125,
        traceId: 'a'.repeat(32),
        parentSpanId: 'b'.repeat(16),
        sampled: false,
      })
      await stand.journal.accept(event, windowOf('1'))
      await progress(stand.journal, '1')
      await accept(stand.journal, '2', { key: '1' })
      await stand.restart?.()
      const [entry] = await take(stand.journal, 1)
      expect(entry).toEqual({ event, ...PROGRESS, repeats: 1 })
    })
    journey('suppresses what it suppressed before, and no longer', async (stand) => {
      await accept(stand.journal, '1', { key: 'k' })
      await accept(stand.journal, '2', { key: 'l' })
      await stand.journal.finish('2', 'failed')
      await stand.restart?.()
      expect(await accept(stand.journal, '1')).toBe('duplicate')
      expect(await accept(stand.journal, '3', { key: 'k' })).toBe('duplicate')
      expect(await accept(stand.journal, '4', { key: 'l' })).toBe('accepted')
      stand.pass(6000)
      expect(await accept(stand.journal, '5', { key: 'k' })).toBe('accepted')
    })
    journey('tells what was not delivered, and nothing of its own', async (stand) => {
      await accept(stand.journal, '1')
      await stand.journal.step('1', '0.0', { state: 'success' }, [letterOf('a'), letterOf('b'), letterOf('b', 'loki')])
      expect(await lettersOf(stand.journal)).toEqual([])
      await stand.journal.delivered(letterOf('b'))
      await stand.restart?.()
      await stand.journal.step('1', '0.1', { state: 'success' }, [letterOf('c')])
      expect(await lettersOf(stand.journal)).toEqual([letterOf('a'), letterOf('b', 'loki')])
    })
    journey('knows what is over, what failed, what was begun again and what was forgotten', async (stand) => {
      for (const id of ['1', '2', '3', '4']) await accept(stand.journal, id)
      await stand.journal.finish('1', 'done')
      for (const id of ['2', '3', '4']) await stand.journal.finish(id, 'failed')
      await stand.journal.retry('3', 5)
      await stand.journal.drop('4')
      await stand.restart?.()
      expect(stand.journal.stats()).toMatchObject({ waiting: 1, failed: 1, oldest: 3 })
      expect(await stand.journal.show('2')).toMatchObject({ state: 'failed', finished: expect.any(Number) as number })
      expect(await stand.journal.show('4')).toBeUndefined()
      const [entry] = await take(stand.journal, 1)
      expect(entry).toMatchObject({ event: { id: '3' }, asked: 5 })
    })
    journey(
      'refuses at the same line as before',
      async (stand) => {
        for (let id = 1; id <= 9; id++) await accept(stand.journal, String(id))
        await stand.restart?.()
        expect(await accept(stand.journal, '10')).toBe('full')
      },
      10,
    )
  })
}
