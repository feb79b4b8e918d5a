import { setTimeout as sleep } from 'node:timers/promises'
import { decode, memoryJournal, type AdoptingJournal, type Work } from '@talon/core'
import { afterEach, describe, expect, it } from 'vitest'
import type { Election } from './election.ts'
import type { Link } from './link.ts'
import { handed, type HandedEntry, type Message } from './messages.ts'
import type { Replica } from './replicate.ts'
import { MemoryStore, quiet, until } from './store.fixture.ts'
import { servers, stand, window } from './servers.fixture.ts'

const running: (Replica | Election)[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close()))
})

const MANY = 5000
const eventOf = (id: string) => decode('{"rule":"Shell"}', { id, received: Date.now(), traceId: 'a'.repeat(32) })
const memory = () => memoryJournal({ maxEvents: 2 * MANY, now: () => performance.now() })

const server = servers()

describe('a leader with a backlog', () => {
  it('takes out of its journal what it works on, and little ahead of it', async () => {
    const own = memory()
    for (let id = 0; id < MANY; id++) await own.accept(eventOf(String(id)), window)
    let taken = 0
    const journal: AdoptingJournal = {
      ...own,
      async *work() {
        for await (const work of own.work()) {
          taken++
          yield work
        }
      },
    }
    const replica = server({ election: stand(new MemoryStore(), 'a'), journal })
    await until(() => replica.hands().leading)
    const seen = new Set<string>()
    let ahead = 0
    for await (const { entry } of replica.work()) {
      seen.add(entry.event.id)
      // As work that takes a moment: whoever reads ahead has the time for it.
      if (seen.size % 500 === 0) await sleep(20)
      ahead = Math.max(ahead, taken - seen.size)
      await replica.finish(entry.event.id, 'done')
      if (seen.size === MANY) break
    }
    expect(seen.size).toBe(MANY)
    expect(ahead).toBeLessThan(MANY / 2)
  })

  it('that others worked on before reads it back a page at a time', async () => {
    const store = new MemoryStore()
    const other = stand(store, 'b')
    await until(() => other.current().term !== undefined)
    const own = memory()
    for (let id = 0; id < MANY; id++) await own.accept(eventOf(String(id)), window)
    let [reading, most] = [0, 0]
    const journal: AdoptingJournal = {
      ...own,
      async show(id) {
        most = Math.max(most, ++reading)
        await sleep(1)
        reading--
        return own.show(id)
      },
    }
    const link: Link = async (_, message) =>
      message.kind === 'entries' ? { fates: message.entries.map(() => 'kept') } : { ok: true }
    const replica = server({ election: stand(store, 'a'), journal, link })
    await until(() => replica.hands().handed === MANY)
    await other.release()
    await other.close()
    const works: Work[] = []
    for await (const work of replica.work()) if (works.push(work) === MANY) break
    expect(new Set(works.map(({ entry }) => entry.event.id)).size).toBe(MANY)
    expect(most).toBeLessThanOrEqual(100)
  })

  it('gives an entry that the engine could not end once in a term, and hands it on after it', async () => {
    const store = new MemoryStore()
    const election = stand(store, 'a')
    const journal = memory()
    const handedOn: string[] = []
    const link: Link = async (_, message) => {
      if (message.kind === 'entries') handedOn.push(...message.entries.map(({ receipt }) => receipt.id))
      return { fates: ['kept'] }
    }
    const replica = server({ election, journal, link })
    await until(() => replica.hands().leading)
    await replica.accept(eventOf('one'), window)
    let given = 0
    void (async () => {
      for await (const { tenure } of replica.work()) {
        given++
        tenure?.release()
      }
    })()
    await until(() => given > 0)
    await sleep(50)
    expect(given).toBe(1)
    running.push(stand(store, 'b'))
    await election.release()
    await until(() => handedOn.includes('one'))
  })
})

describe('a batch that is handed over', () => {
  const entry = (id: string, over: Partial<HandedEntry> = {}): HandedEntry => ({
    ...handed({ event: eventOf(id), steps: {}, notes: {}, repeats: 0 }, Date.now()),
    ...over,
  })
  const from = { name: 'b', address: 'http://b' }

  it('is taken but for what cannot be read', async () => {
    const journal = memory()
    const said: unknown[] = []
    const log = { ...quiet, error: (message: string) => void said.push(message) }
    const replica = server({ election: stand(new MemoryStore(), 'a'), journal, log })
    await until(() => replica.hands().leading)
    const { receipt: _, ...shapeless } = entry('3')
    const entries = [entry('1'), entry('2', { raw: 'no JSON' }), shapeless as HandedEntry, entry('4')]
    const message: Message = { kind: 'entries', from, entries }
    expect(await replica.receive(message)).toEqual({ fates: ['kept', 'unreadable', 'unreadable', 'kept'] })
    expect([journal.stats().waiting, said.length]).toEqual([2, 2])
  })

  it('is worked on at once, and once, however slowly the journal gives what it took', async () => {
    const own = memory()
    const given: (() => void)[] = []
    const journal: AdoptingJournal = {
      ...own,
      async *work() {
        for await (const work of own.work()) {
          await new Promise<void>((resolve) => given.push(resolve))
          yield work
        }
      },
    }
    const replica = server({ election: stand(new MemoryStore(), 'a'), journal })
    await until(() => replica.hands().leading)
    await replica.receive({ kind: 'entries', from, entries: [entry('1'), entry('2')] })
    const worked: string[] = []
    void (async () => {
      for await (const { entry } of replica.work()) worked.push(entry.event.id)
    })()
    await until(() => worked.length === 2)
    await replica.finish('1', 'done')
    for (const _ of [1, 2]) {
      await until(() => given.length > 0)
      given.shift()!()
    }
    await sleep(50)
    expect(worked).toEqual(['1', '2'])
  })

  it('that the journal does not take stays where it is, and the rest does not', async () => {
    const own = memory()
    const journal: AdoptingJournal = {
      ...own,
      adopt: (event, ...rest) =>
        event.id === '1' ? Promise.reject(new Error('disk I/O error')) : own.adopt(event, ...rest),
    }
    const replica = server({ election: stand(new MemoryStore(), 'a'), journal })
    await until(() => replica.hands().leading)
    const message: Message = { kind: 'entries', from, entries: [entry('1'), entry('2')] }
    expect(await replica.receive(message)).toEqual({ fates: ['full', 'kept'] })
  })
})

describe('a follower', () => {
  /** With a leader that answers so. */
  async function follow(fateOf: (id: string) => 'kept' | 'full' | 'unreadable' | 'done', journal: AdoptingJournal) {
    const store = new MemoryStore()
    const leader = stand(store, 'b')
    running.push(leader)
    await until(() => leader.current().term !== undefined)
    const said: unknown[] = []
    const taken = new Set<string>()
    const link: Link = async (_, message) => {
      if (message.kind !== 'entries') return { ok: true }
      const ids = message.entries.map(({ receipt }) => receipt.id)
      for (const id of ids) if (fateOf(id) === 'kept') taken.add(id)
      return { fates: ids.map(fateOf) }
    }
    const log = { ...quiet, error: (message: string) => void said.push(message) }
    const replica = server({ election: stand(store, 'a'), journal, link, log })
    return { replica, taken, said }
  }

  it('keeps as failed what the leader can never take, and says so', async () => {
    const journal = memory()
    const { replica, taken, said } = await follow((id) => (id === 'poison' ? 'unreadable' : 'kept'), journal)
    for (const id of ['poison', 'good']) await replica.accept(eventOf(id), window)
    await until(() => taken.has('good') && journal.stats().failed === 1)
    expect((await journal.show('poison'))?.state).toBe('failed')
    expect([said.length, replica.hands()]).toEqual([1, { leading: false, handed: 1, pending: 0 }])
  })

  it('hands over what the leader has room for, though it is behind much that it is too full for', async () => {
    let room = false
    const { replica, taken } = await follow((id) => (room || id === 'urgent' ? 'kept' : 'full'), memory())
    for (let id = 0; id < 150; id++) await replica.accept(eventOf(String(id)), window)
    await replica.accept(eventOf('urgent'), window)
    await until(() => taken.has('urgent'))
    expect(taken.size).toBe(1)
    room = true
  })

  it('tries on where its own journal does not take the end of an entry', async () => {
    const own = memory()
    let failures = 1
    const journal: AdoptingJournal = {
      ...own,
      finish: (...end) => (failures-- > 0 ? Promise.reject(new Error('disk I/O error')) : own.finish(...end)),
    }
    const { replica } = await follow(() => 'done', journal)
    await replica.accept(eventOf('one'), window)
    await until(() => own.stats().waiting === 0)
    expect(failures).toBeLessThan(0)
  })
})
