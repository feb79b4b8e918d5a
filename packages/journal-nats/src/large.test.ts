import { randomBytes } from 'node:crypto'
import type { Journal, Letter } from '@talon/core'
import { decode } from '../../core/src/event.ts'
import type { Report } from '@talon/plugin'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { accept, windowOf } from '../../core/src/journal.fixture.ts'
import { natsJournal } from './journal.ts'
import { startNats, type NatsServer } from './nats.fixture.ts'
import { optionsOf } from './stand.fixture.ts'

/** Bytes of one message. */
const MOST = 65_536

let nats: NatsServer
let journal: Journal
beforeAll(async () => {
  nats = await startNats(`max_payload: ${MOST}`)
  journal = await natsJournal(optionsOf(nats.url))
})
afterEach(async () => {
  await journal.close()
  journal = await natsJournal(optionsOf(nats.url))
})
afterAll(async () => {
  await journal.close()
  await nats.close()
})

/** So many characters that cannot be compressed. */
const noise = (length: number) => randomBytes(length).toString('base64').slice(0, length)

it('an event is taken only where there is room for what it ends with', async () => {
  const eventOf = (id: string, length: number) =>
    decode(JSON.stringify({ rule: 'x', output: noise(length) }), { id, received: 1, traceId: '' })
  await expect(journal.accept(eventOf('1', 0.9 * MOST), windowOf('1'))).rejects.toThrow('raise its max_payload')
  expect(await journal.accept(eventOf('2', 0.6 * MOST), windowOf('2'))).toBe('accepted')
  await journal.step('2', '0.0', { state: 'failure', error: noise(0.2 * MOST) })
  await journal.finish('2', 'failed')
  expect(await journal.show('2')).toMatchObject({ state: 'failed' })
})

it('a report that is too large does not hold its event up', async () => {
  await accept(journal, '1')
  const report = { id: 'r', message: noise(2 * MOST) } as Report
  const letter: Letter = { notifier: 'slack', report }
  await journal.step('1', '0.0', { state: 'success' }, [letter])
  await journal.delivered(letter)
  await journal.finish('1', 'done')
  expect(await journal.show('1')).toMatchObject({ state: 'done' })
})

it('a fact that is too large is refused, and not tried for ever', async () => {
  await accept(journal, '1')
  const error = noise(2 * MOST)
  await expect(journal.step('1', '0.0', { state: 'failure', error })).rejects.toThrow('raise its max_payload')
  await journal.finish('1', 'failed')
})
