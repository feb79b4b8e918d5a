import { describe, expect, it } from 'vitest'
import { decode } from './event.ts'
import { memoryJournal } from './memory.ts'

const event = (id: string, priority = 'Notice') =>
  decode(JSON.stringify({ rule: 'x', priority }), { id, received: Number(id), traceId: '' })

function stand(maxEvents = 100) {
  let time = 0
  const journal = memoryJournal({ maxEvents, now: () => time })
  const accept = (id: string, key = id, over: { sliding?: boolean; priority?: string } = {}) =>
    journal.accept(event(id, over.priority), { key, length: 5000, sliding: over.sliding ?? false })
  return { journal, accept, at: (now: number) => void (time = now) }
}

describe('the window of deduplication', () => {
  it('begins with the first event, and is fixed', async () => {
    const { accept, at } = stand()
    expect(await accept('1', 'k')).toBe('accepted')
    at(4999)
    expect(await accept('2', 'k')).toBe('duplicate')
    at(5000)
    expect(await accept('3', 'k')).toBe('accepted')
  })
  it('is extended by each repeat where it slides', async () => {
    const { accept, at } = stand()
    await accept('1', 'k', { sliding: true })
    at(4000)
    expect(await accept('2', 'k', { sliding: true })).toBe('duplicate')
    at(8000)
    expect(await accept('3', 'k', { sliding: true })).toBe('duplicate')
    at(13_000)
    expect(await accept('4', 'k', { sliding: true })).toBe('accepted')
  })
  it('ends early where the response failed for good', async () => {
    const { journal, accept } = stand()
    await accept('1', 'k')
    await journal.finish('1', 'failed')
    expect(await accept('2', 'k')).toBe('accepted')
    await journal.finish('2', 'done')
    expect(await accept('3', 'k')).toBe('duplicate')
  })
})

it('refuses when it is full, keeps a tenth for the urgent, and takes more when some are finished', async () => {
  const { journal, accept } = stand(10)
  for (let id = 1; id <= 9; id++) expect(await accept(String(id))).toBe('accepted')
  expect(await accept('10')).toBe('full')
  expect(await accept('11', '11', { priority: 'Critical' })).toBe('accepted')
  expect(await accept('12', '12', { priority: 'Emergency' })).toBe('full')
  await journal.finish('1', 'done')
  await journal.finish('2', 'done')
  expect(await accept('10')).toBe('accepted')
})

it('keeps what is not finished, with how far it got', async () => {
  const { journal, accept } = stand()
  await accept('1')
  await accept('2')
  await accept('3', '2')
  const plan = { rulesHash: 'h', rules: [] }
  await journal.plan('2', plan)
  await journal.step('2', '0.0', { state: 'started' })
  await journal.note('2', 'pod.uid', 'u')
  await journal.finish('1', 'done')
  const left = await first(journal.work())
  expect(left?.entry).toMatchObject({
    event: { id: '2' },
    plan,
    steps: { '0.0': { state: 'started' } },
    notes: { 'pod.uid': 'u' },
    repeats: 1,
  })
  expect(journal.stats()).toEqual({ waiting: 1, failed: 0, oldest: 2 })
})

async function first<T>(all: AsyncIterable<T>): Promise<T | undefined> {
  for await (const one of all) return one
  return undefined
}

it('keeps what failed, for whoever asks for it, begins it again with what it has done, or forgets it', async () => {
  const { journal, accept } = stand()
  await accept('1')
  await journal.step('1', '0.0', { state: 'success' })
  await journal.step('1', '0.1', { state: 'failure', error: 'refused' })
  await journal.finish('1', 'failed')
  expect(await journal.list({ state: 'failed', limit: 10 })).toMatchObject([{ event: { id: '1' }, state: 'failed' }])
  expect(await journal.retry('nobody', 5)).toBe(false)
  expect(await journal.retry('1', 5)).toBe(true)
  expect(await journal.show('1')).toMatchObject({
    state: 'unfinished',
    steps: { '0.0': { state: 'success' } },
    asked: 5,
  })
  expect(Object.keys((await journal.show('1'))!.steps)).toEqual(['0.0'])
  await journal.finish('1', 'failed')
  expect([await journal.drop('1'), await journal.drop('1'), await journal.show('1')]).toEqual([true, false, undefined])
})
