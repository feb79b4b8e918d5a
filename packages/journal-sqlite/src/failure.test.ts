import { decode } from '@talon/core'
import { describe, expect, it } from 'vitest'
import { accept, take, windowOf } from '../../core/src/journal.fixture.ts'
import { limitedDisk, smallDisk, type Disk } from './disk.fixture.ts'
import { openStand, type SqliteStand } from './stand.fixture.ts'

const disks = [
  ['is full', smallDisk, 'this user may not mount a file system'],
  ['reports errors', limitedDisk, 'there is no prlimit'],
] as const

/** Ten kilobytes: no page that is there already holds it. */
const large = (id: string) =>
  decode(JSON.stringify({ rule: 'x', output: 'y'.repeat(10_000) }), { id, received: Number(id), traceId: '' })
const acceptLarge = ({ journal }: SqliteStand, id: string, key = id) => journal.accept(large(id), windowOf(key))

describe.each(disks)('where the disk %s', (_, open, missing) => {
  const available = open()
  available?.end()
  if (!available) console.warn(`not run: ${missing}`)

  async function walk(onFailure: 'refuse' | 'memory', steps: (stand: SqliteStand, disk: Disk) => Promise<void>) {
    const disk = open()!
    const stand = await openStand({ path: disk.path, onFailure })
    try {
      for (const id of ['1', '2', '3']) await acceptLarge(stand, id)
      disk.refuse()
      await steps(stand, disk)
    } finally {
      await stand.close()
      disk.end()
    }
  }

  it.skipIf(!available)('refuses, says so, and takes events again as soon as it can', () =>
    walk('refuse', async (stand, disk) => {
      const refused = { kind: 'action', retryable: true, message: expect.stringContaining('journal.db') as string }
      await expect(acceptLarge(stand, '4')).rejects.toMatchObject(refused)
      await expect(
        stand.journal.step('1', '0.0', { state: 'failure', error: 'z'.repeat(20_000) }),
      ).rejects.toMatchObject(refused)
      expect(stand.told).toEqual(['the journal cannot write: events are refused until it can'])
      expect(stand.troubles).toBe(2)
      expect(await stand.journal.show('1')).toMatchObject({ state: 'unfinished', steps: {} })
      expect(stand.journal.stats()).toMatchObject({ waiting: 3, failed: 0 })
      disk.allow()
      expect(await acceptLarge(stand, '4')).toBe('accepted')
      await stand.restart()
      expect((await take(stand.journal, 4)).map(({ event }) => event.id)).toEqual(['1', '2', '3', '4'])
    }),
  )

  it.skipIf(!available)('goes on in memory where that is allowed, as if nothing were, and is on disk again later', () =>
    walk('memory', async (stand, disk) => {
      expect(await acceptLarge(stand, '4')).toBe('accepted')
      expect(await acceptLarge(stand, '5', '4')).toBe('duplicate')
      expect(await acceptLarge(stand, '6', '1')).toBe('duplicate')
      await stand.journal.step('1', '0.0', { state: 'success' })
      await stand.journal.finish('1', 'failed')
      await stand.journal.retry('1', 7)
      expect(await stand.journal.show('4')).toMatchObject({ state: 'unfinished', repeats: 1 })
      expect(await stand.journal.show('1')).toMatchObject({ asked: 7, steps: { '0.0': { state: 'success' } } })
      expect(stand.told).toEqual([
        'the journal cannot write: what comes is kept in memory until it can, and is lost if the process ends before',
        'the journal holds in memory what the disk refused',
      ])
      stand.pass(2000)
      expect(await acceptLarge(stand, '7')).toBe('accepted')
      disk.allow()
      stand.pass(60_000)
      expect(await acceptLarge(stand, '8')).toBe('accepted')
      expect(stand.told.at(-1)).toContain('is on disk again')
      await stand.restart()
      expect((await take(stand.journal, 6)).map(({ event }) => event.id)).toEqual(['2', '3', '4', '1', '7', '8'])
      expect(await stand.journal.show('1')).toMatchObject({ asked: 7, steps: { '0.0': { state: 'success' } } })
    }),
  )

  it.skipIf(!available)('says what was lost where memory was allowed and the disk did not recover', () =>
    walk('memory', async (stand, disk) => {
      await acceptLarge(stand, '4')
      await stand.journal.close()
      expect(stand.told.at(-1)).toContain('it is lost')
      disk.allow()
      await stand.restart()
      expect((await stand.journal.list({ limit: 10 })).map(({ event }) => event.id)).toEqual(['3', '2', '1'])
      expect(await accept(stand.journal, '4')).toBe('accepted')
    }),
  )
})
