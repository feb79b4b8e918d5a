import { setTimeout as sleep } from 'node:timers/promises'
import { decode, memoryJournal, type AdoptingJournal, type Entry, type Plan } from '@talon/core'
import { afterEach, describe, expect, it } from 'vitest'
import type { Election } from './election.ts'
import type { Link } from './link.ts'
import { handed, readMessage, type HandedEntry, type Message, type Progress } from './messages.ts'
import type { Replica, ReplicateOptions } from './replicate.ts'
import { MemoryStore, until } from './store.fixture.ts'
import { servers, stand, window } from './servers.fixture.ts'

const running: (Replica | Election)[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close()))
})

const event = decode('{"rule":"Shell"}', { id: 'one', received: Date.now(), traceId: 'a'.repeat(32) })
const plan: Plan = { rules: [], rulesHash: '' }
const B = { name: 'b', address: 'http://b' }

/** As from a disk: what was read does not change. */
function disk(): AdoptingJournal {
  const own = memoryJournal({ maxEvents: 10, now: () => performance.now() })
  return { ...own, show: async (id) => structuredClone(await own.show(id)) }
}

const started = servers()
const server = (options: Partial<ReplicateOptions> & { readonly election: Election }): Replica =>
  started({ journal: disk(), ...options })

/** What is given to work on, as it is then. */
function works(replica: Replica): Entry[] {
  const given: Entry[] = []
  void (async () => {
    for await (const { entry } of replica.work()) given.push(structuredClone(entry))
  })()
  return given
}

const entry = (over: Partial<HandedEntry> = {}): HandedEntry => ({
  ...handed({ event, plan, steps: {}, notes: {}, repeats: 0 }, Date.now()),
  ...over,
})
const hands = (from: typeof B, ...entries: HandedEntry[]): Message => ({ kind: 'entries', from, entries })

describe('what the first keeper knows', () => {
  it('is in the journal before the entry is worked on', async () => {
    const own = disk()
    const journal: AdoptingJournal = {
      ...own,
      async step(...args) {
        await sleep(50)
        return own.step(...args)
      },
    }
    const replica = server({ election: stand(new MemoryStore(), 'a'), journal, remind: 10 })
    await until(() => replica.hands().leading)
    // A copy, from a server that is not its first keeper.
    const copy = entry({ notes: { 'replicas.origin': 'b' } })
    await replica.receive(hands({ name: 'c', address: 'http://c' }, copy))
    const given = works(replica)
    await replica.receive(hands(B, entry({ steps: { '0.0': { state: 'started' } } })))
    await until(() => given.length > 0)
    expect([given[0]?.uncertain ?? false, given[0]?.steps]).toEqual([false, { '0.0': { state: 'started' } }])
  })

  it('is told where it is now: a restarted server has another address', async () => {
    const called: string[] = []
    const link: Link = (address) => {
      called.push(address)
      return address === B.address ? Promise.reject(new Error('no route')) : Promise.resolve({ ok: true })
    }
    const replica = server({ election: stand(new MemoryStore(), 'a'), link })
    await until(() => replica.hands().leading)
    await replica.receive(hands(B, entry()))
    await replica.receive(hands({ name: 'b', address: 'http://b-anew' }, entry()))
    await replica.step('one', '0.0', { state: 'started' })
    expect(called).toEqual(['http://b-anew'])
  })

  it('counts by its own clock: an event is no older for a clock that is behind', async () => {
    const wide = { key: 'same', length: 5000, sliding: false }
    const replica = server({ election: stand(new MemoryStore(), 'a'), windowOf: () => wide })
    await until(() => replica.hands().leading)
    const at = (id: string, received: number, now: number) => {
      const event = decode('{"rule":"Shell"}', { id, received, traceId: 'a'.repeat(32) })
      return handed({ event, steps: {}, notes: {}, repeats: 0 }, now)
    }
    const [here, behind] = [Date.now(), Date.now() - 50_000]
    const message = hands(B, at('1', behind, behind + 10))
    expect(await replica.receive(message)).toEqual({ fates: ['kept'] })
    expect(await replica.receive(hands(B, at('2', behind + 5, behind + 10)))).toEqual({ fates: ['duplicate'] })
    expect(await replica.receive(hands(B, at('3', here - 6000, here)))).toEqual({ fates: ['kept'] })
  })
})

describe('a leader that was paused, and tells late what it did', () => {
  const step = (turn: number, state: 'started' | 'success'): Progress => ({
    ...{ id: 'one', turn, kind: 'step', step: '0.0' },
    record: { state },
  })
  const progress = (...items: Progress[]): Message => ({ kind: 'progress', items })

  it('does not overwrite what its successor told, and adds what that one does not know', async () => {
    const store = new MemoryStore()
    const leader = stand(store, 'b')
    running.push(leader)
    await until(() => leader.current().term !== undefined)
    const journal = disk()
    const link: Link = async () => ({ fates: ['kept'] })
    const replica = server({ election: stand(store, 'a'), journal, link })
    await replica.accept(event, window)
    await until(() => replica.hands().handed === 1)
    const [mine, other] = [
      { ...plan, rulesHash: 'new' },
      { ...plan, rulesHash: 'old' },
    ]
    await replica.receive(progress({ id: 'one', turn: 8, kind: 'plan', plan: mine }, step(8, 'success')))
    await replica.receive(
      progress({ id: 'one', turn: 7, kind: 'plan', plan: other }, step(7, 'started'), {
        ...{ id: 'one', turn: 7, kind: 'note', name: 'uid', value: 'u' },
      }),
    )
    expect(await journal.show('one')).toMatchObject({
      plan: { rulesHash: 'new' },
      steps: { '0.0': { state: 'success' } },
      notes: { uid: 'u' },
    })
    await replica.receive(progress(step(8, 'started')))
    expect((await journal.show('one'))?.steps).toEqual({ '0.0': { state: 'started' } })
  })
})

describe('what another version tells', () => {
  it('and this one does not know changes nothing, and the rest is taken', async () => {
    const journal = disk()
    const replica = server({ election: stand(new MemoryStore(), 'a'), journal })
    await replica.accept(event, window)
    const items = [
      { id: 'one', turn: 1, kind: 'paused' },
      { id: 'one', turn: 1, kind: 'step', record: { state: 'success' } },
      { id: 'one', turn: 1, kind: 'note', name: 'uid', value: 'u' },
    ]
    const body = JSON.stringify({ kind: 'progress', items })
    expect(await replica.receive(readMessage(body))).toEqual({ ok: true })
    expect(await journal.show('one')).toMatchObject({ state: 'unfinished', steps: {}, notes: { uid: 'u' } })
  })
})

describe('a leader that ends', () => {
  it('tells first how all went on: its successor asks those who were told', async () => {
    const told: string[] = []
    const link: Link = async (_, message) => {
      await sleep(100)
      if (message.kind === 'progress') told.push(...message.items.map(({ kind }) => kind))
      return { ok: true }
    }
    const store = new MemoryStore()
    const replica = server({ election: stand(store, 'a'), link })
    await until(() => replica.hands().leading)
    await replica.receive(hands(B, entry()))
    await replica.plan('one', plan)
    await replica.step('one', '0.0', { state: 'success' })
    await replica.finish('one', 'done')
    await replica.close()
    expect(told).toEqual(['plan', 'step', 'finish'])
  })
})
