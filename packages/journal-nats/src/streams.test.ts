import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Work } from '@talon/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accept } from '../../core/src/journal.fixture.ts'
import { natsJournal } from './journal.ts'
import { startNats, type NatsServer } from './nats.fixture.ts'
import { optionsOf } from './stand.fixture.ts'

let nats: NatsServer
let other: NatsConnection
let jsm: JetStreamManager
beforeAll(async () => {
  nats = await startNats()
  other = await connect({ servers: nats.url })
  jsm = await jetstreamManager(other)
})
afterAll(async () => {
  await other.close()
  await nats.close()
})

describe('the streams', () => {
  it('are changed to what the settings say, and nothing that they hold is lost', async () => {
    const options = optionsOf(nats.url, { maxEvents: 100 })
    const before = await natsJournal(options)
    for (let id = 1; id <= 50; id++) await accept(before, String(id))
    await before.close()
    const after = await natsJournal({ ...options, maxEvents: 10, lease: 4_000 })
    expect(await after.list({ state: 'unfinished', limit: 100 })).toHaveLength(50)
    expect(await accept(after, '51')).toBe('full')
    const info = await jsm.consumers.info(`${options.prefix}-events`, 'other')
    expect(info.config.ack_wait).toBe(4_000_000_000)
    await after.close()
  })

  it('of an earlier version are changed to those of this one', async () => {
    const options = optionsOf(nats.url)
    const subjects = [`${options.prefix}.windows.*`, `${options.prefix}.earlier.*`]
    await jsm.streams.add({ name: `${options.prefix}-state`, subjects, max_msgs_per_subject: 1 })
    const journal = await natsJournal(options)
    expect(await accept(journal, '1')).toBe('accepted')
    await journal.close()
    const { config } = await jsm.streams.info(`${options.prefix}-state`)
    expect(config).toMatchObject({ allow_msg_ttl: true, allow_rollup_hdrs: true })
    expect(config.subjects).not.toContain(subjects[1])
  })

  it('that cannot be changed end the start, with what cannot be', async () => {
    const options = optionsOf(nats.url)
    const subjects = [`${options.prefix}.events.*.*`]
    const memory = { storage: 'memory', retention: 'workqueue', subjects } as const
    await jsm.streams.add({ name: `${options.prefix}-events`, ...memory })
    await expect(natsJournal(options)).rejects.toThrow(/-events cannot be changed \(.*storage.*journal\.nats\.prefix/)
  })

  it('are read again by consumers of their own, when somebody removed those', async () => {
    const options = optionsOf(nats.url)
    const journal = await natsJournal(options)
    const work = journal.work()[Symbol.asyncIterator]()
    await accept(journal, '1')
    await work.next()
    for (const lane of ['urgent', 'other']) await jsm.consumers.delete(`${options.prefix}-events`, lane)
    await accept(journal, '2')
    const { value } = (await work.next()) as IteratorResult<Work, undefined>
    expect(value?.entry.event.id).toBe('2')
    await journal.close()
  }, 30_000)

  it('are kept on as many servers as the settings say, or the start ends', async () => {
    const options = optionsOf(nats.url)
    await expect(natsJournal({ ...options, replicas: 3 })).rejects.toThrow(/lower journal\.nats\.replicas/)
    const one = await natsJournal(options)
    await one.close()
    await expect(natsJournal({ ...options, replicas: 3 })).rejects.toThrow(/lower journal\.nats\.replicas/)
  })
})
