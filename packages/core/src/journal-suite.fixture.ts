import { describe, expect, it } from 'vitest'
import { canAdopt, type Journal } from './journal.ts'
import {
  PLAN,
  PROGRESS,
  progress,
  eventOf,
  windowOf,
  accept,
  letterOf,
  take,
  next,
  until,
  type JournalStand,
} from './journal.fixture.ts'
import { checkRestart } from './journal-restart.fixture.ts'

/** What each promise of `Journal` means, for every journal: `open` gives an empty one with that much room. */
export function checkJournal(name: string, open: (maxEvents: number) => Promise<JournalStand>, durable: boolean): void {
  // oxlint-disable-next-line vitest/valid-title -- its caller has it
  describe(name, () => {
    const journey = (what: string, walk: (stand: JournalStand) => Promise<void>, maxEvents = 100) =>
      // oxlint-disable-next-line vitest/expect-expect, vitest/valid-title -- the walk expects, and has the title
      it(what, async () => {
        const stand = await open(maxEvents)
        try {
          await walk(stand)
        } finally {
          await stand.close()
        }
      })

    describe('the window of deduplication', () => {
      journey('begins with the first event, and is fixed', async ({ journal, pass }) => {
        expect(await accept(journal, '1', { key: 'k' })).toBe('accepted')
        pass(4000)
        expect(await accept(journal, '2', { key: 'k' })).toBe('duplicate')
        pass(2000)
        expect(await accept(journal, '3', { key: 'k' })).toBe('accepted')
      })
      journey('is extended by each repeat where it slides', async ({ journal, pass }) => {
        await accept(journal, '1', { key: 'k', sliding: true })
        for (const id of ['2', '3', '4']) {
          pass(4000)
          expect(await accept(journal, id, { key: 'k', sliding: true })).toBe('duplicate')
        }
        pass(6000)
        expect(await accept(journal, '5', { key: 'k', sliding: true })).toBe('accepted')
      })
      journey('ends early where the response failed for good, and stays where it did not', async ({ journal }) => {
        await accept(journal, '1', { key: 'k' })
        await journal.finish('1', 'failed')
        expect(await accept(journal, '2', { key: 'k' })).toBe('accepted')
        await journal.finish('2', 'done')
        expect(await accept(journal, '3', { key: 'k' })).toBe('duplicate')
      })
      journey('of no length suppresses nothing', async ({ journal }) => {
        expect(await accept(journal, '1', { key: 'k', length: 0 })).toBe('accepted')
        expect(await accept(journal, '2', { key: 'k', length: 0 })).toBe('accepted')
      })
      journey('counts the repeats with the event that it began with', async ({ journal }) => {
        for (const id of ['1', '2', '3']) await accept(journal, id, { key: 'k' })
        expect(await journal.show('1')).toMatchObject({ repeats: 2 })
        expect(await journal.show('2')).toBeUndefined()
      })
    })

    journey('takes an event once, whatever its key', async ({ journal }) => {
      expect(await accept(journal, '1', { key: 'a', length: 0 })).toBe('accepted')
      expect(await accept(journal, '1', { key: 'b', length: 0 })).toBe('duplicate')
      expect(journal.stats().waiting).toBe(1)
    })

    journey('gives one verdict of "accepted" to repeats that come at once', async ({ journal }) => {
      const verdicts = await Promise.all(['1', '2', '3'].map((id) => accept(journal, id, { key: 'k' })))
      expect(verdicts).toEqual(['accepted', 'duplicate', 'duplicate'])
    })

    journey(
      'refuses when it is full, keeps a tenth for the urgent, and takes more when some are finished',
      async ({ journal }) => {
        for (let id = 1; id <= 9; id++) expect(await accept(journal, String(id))).toBe('accepted')
        expect(await accept(journal, '10')).toBe('full')
        expect(await accept(journal, '11', { key: '1' })).toBe('duplicate')
        expect(await accept(journal, '12', { priority: 'Critical' })).toBe('accepted')
        expect(await accept(journal, '13', { priority: 'Emergency' })).toBe('full')
        for (const id of ['1', '2']) await journal.finish(id, 'done')
        expect(await accept(journal, '10')).toBe('accepted')
      },
      10,
    )

    journey('hands on what it accepted, in that order, as the very object, each once', async ({ journal }) => {
      const events = ['1', '2', '3'].map((id) => eventOf(id))
      for (const event of events) await journal.accept(event, windowOf(event.id))
      const entries = await take(journal, 3)
      for (const [place, { event }] of entries.entries()) expect(event).toBe(events[place])
      expect(entries[0]).toMatchObject({ steps: {}, notes: {}, repeats: 0 })
    })

    journey('hands on what comes while somebody waits, and ends when it closes', async (stand) => {
      const seen: string[] = []
      const working = (async () => {
        for await (const { entry } of stand.journal.work()) seen.push(entry.event.id)
      })()
      await accept(stand.journal, '1')
      await accept(stand.journal, '2')
      await until(() => seen.length === 2)
      await stand.journal.close()
      await working
      expect(seen).toEqual(['1', '2'])
    })

    journey('concludes what sets nothing off: it is kept and known, and nobody works on it', async ({ journal }) => {
      if (!journal.conclude) return
      expect(await journal.conclude(eventOf('1'), windowOf('k'))).toBe('accepted')
      expect(await journal.conclude(eventOf('2'), windowOf('k'))).toBe('duplicate')
      expect(await journal.accept(eventOf('1'), windowOf('1'))).toBe('duplicate')
      await accept(journal, '3')
      expect((await take(journal, 1)).map(({ event }) => event.id)).toEqual(['3'])
      expect(journal.stats().waiting).toBe(1)
      if (durable)
        expect(await journal.show('1')).toMatchObject({ state: 'done', repeats: 1, finished: expect.any(Number) })
    })
    journey(
      'concludes nothing where it is full',
      async ({ journal }) => {
        for (let id = 1; id <= 9; id++) await accept(journal, String(id))
        expect(await journal.conclude?.(eventOf('10'), windowOf('10'))).toBe(journal.conclude && 'full')
      },
      10,
    )

    journey('takes what another process knows together with its event, or neither', async ({ journal }) => {
      if (!canAdopt(journal)) return
      const known = { plan: PLAN, steps: PROGRESS.steps, notes: PROGRESS.notes }
      expect(await journal.adopt(eventOf('1'), windowOf('1'), known)).toBe('accepted')
      const [entry] = await take(journal, 1)
      expect(entry).toEqual({ event: eventOf('1'), ...PROGRESS, repeats: 0 })
      expect(await journal.adopt(eventOf('1'), windowOf('2'), { steps: {}, notes: {} })).toBe('duplicate')
      expect(await journal.show('1')).toMatchObject(PROGRESS)
    })
    journey('keeps how far an event got', async ({ journal }) => {
      await accept(journal, '1')
      await progress(journal, '1')
      expect(await journal.show('1')).toMatchObject({ ...PROGRESS, state: 'unfinished' })
    })

    journey('keeps what failed for whoever asks, and begins it again with what it has done', async ({ journal }) => {
      await accept(journal, '1')
      await take(journal, 1)
      await journal.step('1', '0.0', { state: 'success' })
      await journal.step('1', '0.1', { state: 'failure', error: 'refused' })
      await journal.step('1', '1.0', { state: 'interrupted' })
      expect(await journal.retry('1', 5)).toBe(false)
      await journal.finish('1', 'failed')
      expect(journal.stats()).toMatchObject({ waiting: 0, failed: 1 })
      expect(await journal.list({ state: 'failed', limit: 10 })).toMatchObject([
        { event: { id: '1' }, state: 'failed' },
      ])
      expect(await journal.retry('nobody', 5)).toBe(false)
      expect(await journal.retry('1', 5)).toBe(true)
      const again = await journal.show('1')
      expect(again).toMatchObject({ state: 'unfinished', asked: 5, steps: { '0.0': { state: 'success' } } })
      expect(Object.keys(again!.steps)).toEqual(['0.0'])
      expect(again).not.toHaveProperty('finished')
      expect(journal.stats()).toMatchObject({ waiting: 1, failed: 0 })
    })

    journey('hands on what was begun again', async ({ journal }) => {
      await accept(journal, '1')
      const work = journal.work()[Symbol.asyncIterator]()
      await work.next()
      await journal.note('1', 'pod.uid', 'u')
      await journal.finish('1', 'failed')
      await accept(journal, '2')
      await journal.retry('1', 5)
      expect((await next(work))?.event.id).toBe('2')
      expect(await next(work)).toMatchObject({ event: { id: '1' }, notes: { 'pod.uid': 'u' }, asked: 5 })
    })

    journey('forgets what is finished when it is told to, and nothing else', async ({ journal }) => {
      await accept(journal, '1')
      expect(await journal.drop('1')).toBe(false)
      await journal.finish('1', 'failed')
      expect([await journal.drop('1'), await journal.drop('1'), await journal.show('1')]).toEqual([
        true,
        false,
        undefined,
      ])
      expect(journal.stats()).toMatchObject({ waiting: 0, failed: 0 })
    })

    journey('lists the newest first, as many as are wanted', async ({ journal }) => {
      for (const id of ['1', '2', '3', '4']) await accept(journal, id)
      await journal.finish('2', 'failed')
      await journal.finish('3', 'failed')
      const ids = async (query: Parameters<Journal['list']>[0]) =>
        (await journal.list(query)).map(({ event }) => event.id)
      expect(await ids({ limit: 10 })).toEqual(['4', '3', '2', '1'])
      expect(await ids({ limit: 2 })).toEqual(['4', '3'])
      expect(await ids({ state: 'failed', limit: 10 })).toEqual(['3', '2'])
      expect(await ids({ state: 'unfinished', limit: 1 })).toEqual(['4'])
    })

    journey('says how much there is', async ({ journal }) => {
      expect(journal.stats()).toMatchObject({ waiting: 0, failed: 0 })
      expect(journal.stats().oldest).toBeUndefined()
      await accept(journal, '7')
      await accept(journal, '8')
      expect(journal.stats()).toMatchObject({ waiting: 2, failed: 0, oldest: 7 })
      await journal.finish('7', 'done')
      expect(journal.stats()).toMatchObject({ waiting: 1, failed: 0, oldest: 8 })
    })

    journey('takes no offence at what it does not know', async ({ journal }) => {
      await journal.plan('nobody', PLAN)
      await journal.note('nobody', 'a', 'b')
      await journal.finish('nobody', 'failed')
      await journal.delivered(letterOf('nothing'))
      expect(await journal.show('nobody')).toBeUndefined()
      expect(journal.stats()).toMatchObject({ waiting: 0, failed: 0 })
    })

    if (durable) checkRestart(journey)
  })
}
