import { setTimeout as sleep } from 'node:timers/promises'
import { jetstream } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { Journal, Tenure, Work } from '@talon/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { accept } from '../../core/src/journal.fixture.ts'
import { engineOn, noDeeds } from './engine.fixture.ts'
import { natsJournal } from './journal.ts'
import type { NatsJournalOptions } from './options.ts'
import { openProxy } from './proxy.fixture.ts'
import { startNats, type NatsServer } from './nats.fixture.ts'
import { optionsOf } from './stand.fixture.ts'

let nats: NatsServer
const opened: Journal[] = []
beforeAll(async () => {
  nats = await startNats()
})
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close()
})
afterAll(() => nats.close())

async function open(options: NatsJournalOptions): Promise<Journal> {
  const journal = await natsJournal(options)
  opened.push(journal)
  return journal
}

/** Journals of several servers on the same streams. */
async function openAll(names: readonly string[], over: Partial<NatsJournalOptions> = {}): Promise<Journal[]> {
  const options = optionsOf(nats.url, { lease: 2_000, maxEvents: 100_000, ...over })
  return Promise.all(names.map((name) => open({ ...options, name })))
}

async function until(reached: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await reached())) await sleep(10)
}

async function takeOne(journal: Journal): Promise<Work & { readonly tenure: Tenure }> {
  for await (const { entry, tenure } of journal.work()) if (tenure) return { entry, tenure }
  throw new Error('the journal closed')
}

describe('several servers', () => {
  it('share what each accepts, and do nothing twice', async () => {
    const journals = await openAll(['a', 'b', 'c'])
    const deeds = journals.map(() => noDeeds())
    const engines = journals.map((journal, place) => engineOn(journal, deeds[place]!))
    const ids = Array.from({ length: 600 }, (_, index) => String(index + 1))
    const verdicts = await Promise.all(ids.map((id, index) => accept(journals[index % 3]!, id)))
    expect(new Set(verdicts)).toEqual(new Set(['accepted']))
    await until(async () => (await journals[0]!.list({ state: 'done', limit: 1000 })).length === 600)
    for (const kind of ['again', 'once', 'told'] as const) {
      const done = deeds.flatMap((one) => [...one[kind]])
      expect(done.toSorted(([a], [b]) => Number(a) - Number(b))).toEqual(ids.map((id) => [id, 1]))
    }
    for (const one of deeds) expect(one.again.size).toBeGreaterThan(0)
    await until(() => journals.every((journal) => journal.stats().waiting === 0))
    await Promise.all(opened.splice(0).map((journal) => journal.close()))
    await Promise.all(engines)
  })

  it('know each other’s windows: repeats are counted, and a failure lets the next one in', async () => {
    const [a, b] = (await openAll(['a', 'b'])) as [Journal, Journal]
    const verdicts = await Promise.all(
      ['1', '2', '3', '4'].map((id, place) => accept([a, b][place % 2]!, id, { key: 'k' })),
    )
    expect(verdicts.toSorted()).toEqual(['accepted', 'duplicate', 'duplicate', 'duplicate'])
    const [first] = await a.list({ limit: 10 })
    await until(async () => (await a.show(first!.event.id))?.repeats === 3)
    await b.finish(first!.event.id, 'failed')
    expect(await accept(a, '5', { key: 'k' })).toBe('accepted')
  })

  it('take an event in the place of one whose server died before it was accepted', async () => {
    const options = optionsOf(nats.url)
    const [a, b] = await Promise.all(['a', 'b'].map((name) => open({ ...options, name })))
    const other = await connect({ servers: nats.url })
    const begun = { id: 'dead', until: Date.now() + 60_000, repeats: 0 }
    await jetstream(other).publish(`${options.prefix}.windows.k`, JSON.stringify(begun))
    const verdicts = await Promise.all(['1', '2'].map((id, place) => accept([a, b][place]!, id, { key: 'k' })))
    expect(verdicts.toSorted()).toEqual(['accepted', 'duplicate'])
    // It only seemed dead: what it sends late is stored already.
    const late = await jetstream(other).publish(`${options.prefix}.events.other.dead`, 'x', { msgID: 'dead' })
    expect(late.duplicate).toBe(true)
    await other.close()
    const [entry] = await a!.list({ limit: 10 })
    const before = entry!.repeats
    expect(await accept(a!, '3', { key: 'k' })).toBe('duplicate')
    await until(async () => (await b!.show(entry!.event.id))!.repeats > before)
  })

  it('hand on at once what one that stops has not finished', async () => {
    const [a, b] = (await openAll(['a', 'b'], { lease: 60_000 })) as [Journal, Journal]
    await accept(a, '1')
    await takeOne(a)
    await a.plan('1', { rulesHash: 'h', rules: [] })
    await a.close()
    const { entry } = await takeOne(b)
    expect(entry).toMatchObject({ event: { id: '1' }, plan: { rulesHash: 'h' } })
  })
})

describe('a server that NATS does not hear', () => {
  it('loses its tenure, and what it writes late is dropped', async () => {
    const options = optionsOf(nats.url, { lease: 2_000 })
    const proxy = await openProxy(nats.url)
    const slow = await open({ ...options, name: 'slow', connection: { servers: [proxy.url] } })
    const quick = await open({ ...options, name: 'quick' })
    await accept(slow, '1')
    const { tenure } = await takeOne(slow)
    await slow.plan('1', { rulesHash: 'h', rules: [] })
    proxy.block()
    // What is on its way while nobody hears it arrives later than the other one's claim.
    const late = slow.step('1', '0.0', { state: 'started' })
    const { entry, tenure: other } = await takeOne(quick)
    expect(entry).toMatchObject({ event: { id: '1' }, plan: { rulesHash: 'h' }, steps: {} })
    expect(tenure.valid()).toBe(false)
    expect(tenure.signal.aborted).toBe(true)
    await quick.step('1', '0.1', { state: 'started' })
    proxy.unblock()
    await late
    tenure.release()
    await expect(slow.step('1', '0.0', { state: 'success' })).rejects.toThrow('another server')
    expect(other.valid()).toBe(true)
    expect((await quick.show('1'))?.steps).toEqual({ '0.1': { state: 'started' } })
    await quick.finish('1', 'done')
    expect(await slow.show('1')).toMatchObject({ state: 'done' })
    await proxy.close()
  })

  it('keeps its tenure as long as it is heard, however long a step takes', async () => {
    const [a, b] = (await openAll(['a', 'b'])) as [Journal, Journal]
    await accept(a, '1')
    const { tenure } = await takeOne(a)
    const seen: string[] = []
    const other = (async () => {
      for await (const { entry } of b.work()) seen.push(entry.event.id)
    })()
    await sleep(5_000)
    expect(tenure.valid()).toBe(true)
    expect(seen).toEqual([])
    await a.finish('1', 'done')
    tenure.release()
    for (const journal of opened.splice(0)) await journal.close()
    await other
    expect(seen).toEqual([])
  })
})
