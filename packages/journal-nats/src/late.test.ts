import { setTimeout as sleep } from 'node:timers/promises'
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import type { Journal, Tenure, Work } from '@talon/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { accept, eventOf, windowOf } from '../../core/src/journal.fixture.ts'
import { natsJournal } from './journal.ts'
import { startNats, type NatsServer } from './nats.fixture.ts'
import type { NatsJournalOptions } from './options.ts'
import { openProxy } from './proxy.fixture.ts'
import { optionsOf } from './stand.fixture.ts'

const PLAN = { rulesHash: 'h', rules: [] }
/** Milliseconds of a window that is longer than a restart. */
const LONG = 60_000

let nats: NatsServer
let other: NatsConnection
let jsm: JetStreamManager
const opened: Journal[] = []
beforeAll(async () => {
  nats = await startNats()
  other = await connect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 })
  jsm = await jetstreamManager(other)
})
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close()
})
afterAll(async () => {
  await other.close()
  await nats.close()
})

async function open(options: NatsJournalOptions): Promise<Journal> {
  const journal = await natsJournal(options)
  opened.push(journal)
  return journal
}

async function takeOne(journal: Journal): Promise<Work & { readonly tenure: Tenure }> {
  for await (const { entry, tenure } of journal.work()) if (tenure) return { entry, tenure }
  throw new Error('the journal closed')
}

/** Ids of all that it hands on. */
function follow(journal: Journal): readonly string[] {
  const seen: string[] = []
  void (async () => {
    for await (const { entry } of journal.work()) seen.push(entry.event.id)
  })()
  return seen
}

const until = async (reached: () => boolean | Promise<boolean>) => {
  while (!(await reached())) await sleep(10)
}

describe('what NATS hands out', () => {
  it('late does not go to who was slow: who has it meanwhile goes on', async () => {
    const options = optionsOf(nats.url, { lease: 2_000 })
    const proxy = await openProxy(nats.url)
    const slow = await open({ ...options, name: 'slow', connection: { servers: [proxy.url] } })
    const seen = follow(slow)
    const waits = async () => (await jsm.consumers.info(`${options.prefix}-events`, 'other')).num_waiting > 0
    await until(waits)
    proxy.block()
    const quick = await open({ ...options, name: 'quick' })
    await accept(quick, '1')
    // NATS gives it to the slow one first.
    const { tenure } = await takeOne(quick)
    await quick.plan('1', PLAN)
    await quick.step('1', '0.0', { state: 'started' })
    proxy.unblock()
    await until(async () => (await accept(slow, '2').catch(() => 'away')) === 'accepted')
    await until(() => seen.length > 0)
    expect(seen).toEqual(['2'])
    expect(tenure.valid()).toBe(true)
    await quick.step('1', '0.0', { state: 'success' })
    expect(await quick.show('1')).toMatchObject({ state: 'unfinished', steps: { '0.0': { state: 'success' } } })
    await slow.close()
    await proxy.close()
  }, 60_000)

  it('again is not run again, though it ended so long ago that its progress is forgotten', async () => {
    const options = optionsOf(nats.url, { lease: 2_000 })
    const first = await open(options)
    await accept(first, '1')
    await takeOne(first)
    await first.step('1', '0.0', { state: 'started' })
    const subject = `${options.prefix}.events.other.1`
    const message = (await jsm.streams.getMessage(`${options.prefix}-events`, { last_by_subj: subject }))!
    await first.finish('1', 'done')
    await first.close()
    // NATS lost that it was acknowledged.
    await jsm.streams.purge(`${options.prefix}-progress`)
    const receipt = headers()
    receipt.set('Talon-Receipt', message.header.get('Talon-Receipt'))
    await jetstream(other).publish(subject, message.data, { headers: receipt })
    const later = await open({ ...options, name: 'later', now: () => Date.now() + 3_600_000 })
    await accept(later, '2')
    expect((await takeOne(later)).entry.event.id).toBe('2')
    await until(async () => (await later.show('1'))?.state === 'done')
  }, 60_000)

  it('of others is thrown away, and takes no places', async () => {
    const options = optionsOf(nats.url, { lease: 2_000, maxEvents: 1_000 })
    const journal = await open(options)
    const bad = headers()
    bad.set('Talon-Receipt', '{bad')
    // More than there are places.
    for (let n = 0; n < 300; n++)
      await jetstream(other).publish(`${options.prefix}.events.other.${n}`, 'x', { headers: bad })
    await accept(journal, '1')
    expect((await takeOne(journal)).entry.event.id).toBe('1')
  }, 60_000)
})

describe('NATS that is started again', () => {
  it('knows a repeat still, though another server took the first, and it is done', async () => {
    const options = optionsOf(nats.url, { lease: 2_000, window: LONG })
    const [first, second] = [await open(options), await open({ ...options, name: 'second' })]
    const window = windowOf('k', { length: LONG })
    expect(await first.accept(eventOf('1'), window)).toBe('accepted')
    await takeOne(first)
    await first.plan('1', PLAN)
    await first.finish('1', 'done')
    await nats.kill()
    await nats.start()
    const verdict = () => second.accept(eventOf('2'), window).catch(() => 'away' as const)
    let said = await verdict()
    for (; said === 'away'; said = await verdict()) await sleep(100)
    expect(said).toBe('duplicate')
    await until(async () => (await second.show('1'))?.repeats === 1)
  }, 60_000)
})

describe('an event that is begun again', () => {
  it('is failed no more once it is done, also where its retry was cut short', async () => {
    const options = optionsOf(nats.url)
    const journal = await open(options)
    await accept(journal, '1')
    await journal.finish('1', 'failed')
    const subject = `${options.prefix}.failed.1`
    const failed = (await jsm.streams.getMessage(`${options.prefix}-failed`, { last_by_subj: subject }))!
    expect(await journal.retry('1', 5)).toBe(true)
    await jetstream(other).publish(subject, failed.data)
    await journal.finish('1', 'done')
    expect(await journal.list({ limit: 10 })).toMatchObject([{ event: { id: '1' }, state: 'done' }])
    expect(await journal.retry('1', 6)).toBe(false)
  })
})
