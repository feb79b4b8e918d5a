import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { decode, type Journal } from '@talon/core'
import { describe, expect, it } from 'vitest'
import { accept, take, windowOf } from '../../core/src/journal.fixture.ts'
import { openStand, type SqliteStand } from './stand.fixture.ts'

const MB = 2 ** 20
const BACKLOG = 100_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const heap = () => {
  collect()
  return process.memoryUsage().heapUsed
}

async function fill(journal: Journal, from: number, to: number): Promise<void> {
  for (let id = from; id < to; id += 500)
    await Promise.all(Array.from({ length: 500 }, (_, n) => accept(journal, String(id + n), { length: 0 })))
}

it('holds in memory a small part of a large backlog, and hands all of it on, each event once', async () => {
  const stand = await openStand({ maxEvents: BACKLOG * 2 })
  try {
    const empty = heap()
    await fill(stand.journal, 0, BACKLOG)
    expect(heap() - empty).toBeLessThan(10 * MB)
    expect(stand.journal.stats().waiting).toBe(BACKLOG)
    await check(stand, BACKLOG)
    await stand.restart()
    await check(stand, BACKLOG)
  } finally {
    await stand.close()
  }

  async function check({ journal }: SqliteStand, count: number): Promise<void> {
    const seen = new Uint8Array(count + 500)
    let given = 0
    const before = heap()
    let grown = 0
    for await (const { entry } of journal.work()) {
      seen[Number(entry.event.id)]!++
      // Some more come while it is behind.
      if (++given === count / 2) await fill(journal, count, count + 500)
      if (given === count / 2) grown = heap() - before
      if (given === count + 500) break
    }
    expect(grown).toBeLessThan(10 * MB)
    expect(seen.every((times) => times === 1)).toBe(true)
    for (let id = count; id < count + 500; id++) await journal.finish(String(id), 'done')
    for (let id = count; id < count + 500; id++) await journal.drop(String(id))
  }
})

describe('the room on disk', () => {
  const large = ({ journal }: SqliteStand, id: number, priority = 'Notice') =>
    journal.accept(
      decode(JSON.stringify({ rule: 'x', priority, output: 'y'.repeat(10_000) }), {
        ...{ id: String(id), received: id, traceId: '' },
      }),
      windowOf(String(id)),
    )
  async function finished(stand: SqliteStand, from: number, to: number, result: 'done' | 'failed'): Promise<void> {
    for (let id = from; id < to; id++) {
      expect(await large(stand, id)).toBe('accepted')
      await stand.journal.finish(String(id), result)
    }
  }

  it('is made by finished events, the oldest first and the failed last, and never by others', async () => {
    const stand = await openStand({ maxEvents: 1000, maxBytes: 4 * MB })
    try {
      expect(await large(stand, 0)).toBe('accepted')
      await finished(stand, 1, 50, 'failed')
      await finished(stand, 50, 1000, 'done')
      expect(stand.journal.stats().bytes).toBeLessThan(5 * MB)
      expect(await stand.journal.show('0')).toBeDefined()
      expect(await stand.journal.show('1')).toBeDefined()
      expect(await stand.journal.show('50')).toBeUndefined()
      expect(await stand.journal.show('999')).toBeDefined()
      expect(stand.journal.stats()).toMatchObject({ waiting: 1, failed: 49 })
    } finally {
      await stand.close()
    }
  })

  it('is refused when unfinished events have taken it, with a tenth kept for the urgent', async () => {
    const stand = await openStand({ maxEvents: 10_000, maxBytes: 4 * MB })
    try {
      let id = 0
      while ((await large(stand, id)) === 'accepted') id++
      const { bytes } = stand.journal.stats()
      expect(bytes).toBeLessThan(4 * MB)
      expect(bytes).toBeGreaterThan(3 * MB)
      expect(await large(stand, 10_000, 'Critical')).toBe('accepted')
      expect(await large(stand, 10_001)).toBe('full')
      for (let done = 0; done < 10; done++) await stand.journal.finish(String(done), 'done')
      expect(await large(stand, 10_002)).toBe('accepted')
    } finally {
      await stand.close()
    }
  })

  it('is given back to the file system when what is older than it is kept goes', async () => {
    const stand = await openStand({ maxEvents: 10_000 })
    try {
      await finished(stand, 0, 300, 'done')
      await finished(stand, 300, 310, 'failed')
      expect(await large(stand, 310)).toBe('accepted')
      const full = stand.journal.stats().bytes!
      for (let round = 0; round < 10; round++) {
        stand.pass(8 * 86_400_000)
        // Whatever is asked lets it tidy afterwards, a little at a time.
        await stand.journal.note('310', 'round', String(round))
      }
      expect((await stand.journal.list({ limit: 1000 })).map(({ event }) => event.id)).toEqual(['310'])
      expect(stand.journal.stats()).toMatchObject({ waiting: 1, failed: 0 })
      expect(stand.journal.stats().bytes).toBeLessThan(full / 2)
      await stand.restart()
      expect((await stat(join(stand.path, 'journal.db'))).size).toBeLessThan(full / 2)
      expect(await take(stand.journal, 1)).toMatchObject([{ event: { id: '310' } }])
    } finally {
      await stand.close()
    }
  })
})
