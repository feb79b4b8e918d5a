import { setTimeout as sleep } from 'node:timers/promises'
import type { Verdict } from '@talon/core'
import { TalonError } from '@talon/plugin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accept } from '../../core/src/journal.fixture.ts'
import { engineOn, noDeeds } from './engine.fixture.ts'
import { natsJournal } from './journal.ts'
import { startNats, type NatsServer } from './nats.fixture.ts'
import { optionsOf } from './stand.fixture.ts'

let nats: NatsServer
beforeAll(async () => {
  nats = await startNats()
})
afterAll(() => nats.close())

describe('NATS that is killed and comes back', () => {
  it('loses nothing of what was accepted, and lets nothing be done twice', async () => {
    const options = optionsOf(nats.url, { lease: 2_000, maxEvents: 100_000 })
    const journals = await Promise.all(['a', 'b'].map((name) => natsJournal({ ...options, name })))
    const deeds = noDeeds()
    const engines = journals.map((journal) => engineOn(journal, deeds, 3))
    const accepted: string[] = []
    let refused = 0
    const stop = new AbortController()
    let sent = 0
    const load = (async () => {
      const under = new Set<Promise<void>>()
      for (; !stop.signal.aborted; await sleep(3)) {
        const id = String(++sent)
        const one = accept(journals[sent % 2]!, id)
          .then((verdict) => void (verdict === 'accepted' && accepted.push(id)))
          .catch(() => void refused++)
          .finally(() => under.delete(one))
        under.add(one)
      }
      await Promise.all(under)
    })()
    for (let kills = 0; kills < 4; kills++) {
      await sleep(700 + Math.random() * 600)
      await nats.kill()
      await sleep(kills % 2 ? 3_000 : 300)
      await nats.start()
    }
    await sleep(1_000)
    stop.abort()
    await load
    const before = Date.now()
    while (journals.some((journal) => journal.stats().waiting > 0) && Date.now() - before < 40_000) await sleep(100)
    await Promise.all(journals.map((journal) => journal.close()))
    await Promise.all(engines)
    expect(refused).toBeGreaterThan(0)
    expect(accepted.length).toBeGreaterThan(200)
    expect({
      lost: accepted.filter((id) => !deeds.again.has(id)),
      twice: [...deeds.once].filter(([, count]) => count > 1),
      untold: accepted.filter((id) => !deeds.once.has(id) && !deeds.interrupted.has(id)),
    }).toEqual({ lost: [], twice: [], untold: [] })
  })

  it('is not waited for at the door longer than Falco waits for its answer', async () => {
    const journal = await natsJournal(optionsOf(nats.url))
    await nats.kill()
    const began = performance.now()
    const answers = await Promise.all(
      ['1', '2', '3'].map((id) => accept(journal, id).catch((error: unknown): Verdict | Error => error as Error)),
    )
    const took = performance.now() - began
    for (const answer of answers) {
      expect(TalonError.is(answer) && answer.kind).toBe('action')
      expect(answer).toMatchObject({ retryable: true, message: expect.stringContaining('NATS') as string })
    }
    expect(took).toBeLessThan(2_000)
    await nats.start()
    while ((await accept(journal, '4').catch(() => 'away')) !== 'accepted') await sleep(100)
    await journal.close()
  })

  it('is what every question of an operator is answered with', async () => {
    const journal = await natsJournal(optionsOf(nats.url))
    await accept(journal, '1')
    await nats.kill()
    for (const ask of [
      () => journal.list({ limit: 10 }),
      () => journal.show('1'),
      () => journal.retry('1', 5),
      () => journal.drop('1'),
    ]) {
      const error: unknown = await ask().catch((error: unknown) => error)
      expect(TalonError.is(error) && error.kind).toBe('action')
    }
    await nats.start()
    while ((await accept(journal, '2').catch(() => 'away')) !== 'accepted') await sleep(100)
    await journal.close()
  })
})
