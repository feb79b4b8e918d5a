import { setTimeout as sleep } from 'node:timers/promises'
import { decode, memoryJournal, type AdoptingJournal, type Plan, type Work } from '@talon/core'
import { describe, expect, it } from 'vitest'
import type { Election } from './election.ts'
import type { Link } from './link.ts'
import { handed, type HandedEntry } from './messages.ts'
import type { Replica, ReplicateOptions } from './replicate.ts'
import { MemoryStore, until } from './store.fixture.ts'
import { servers, stand, window } from './servers.fixture.ts'

const event = decode('{"rule":"Shell"}', { id: 'one', received: Date.now(), traceId: 'a'.repeat(32) })
const plan: Plan = { rules: [], rulesHash: '' }

const started = servers()
const server = (options: Partial<ReplicateOptions> & { readonly election: Election }): Replica =>
  started({ journal: memoryJournal({ maxEvents: 10, now: () => performance.now() }), ...options })

const first = async (replica: Replica): Promise<Work> => {
  for await (const work of replica.work()) return work
  throw new Error('no work came')
}

const entry = (steps: HandedEntry['steps']): HandedEntry =>
  handed({ event, plan, steps, notes: { 'replicas.origin': 'lost' }, repeats: 0 }, Date.now())

describe('an entry that is handed over', () => {
  it('is worked on as another keeper knew it, who came while its first keeper was waited for', async () => {
    const election = stand(new MemoryStore(), 'a')
    const own = memoryJournal({ maxEvents: 10, now: () => performance.now() })
    // As from a disk: what was read does not change.
    const journal: AdoptingJournal = { ...own, show: async (id) => structuredClone(await own.show(id)) }
    const replica = server({ election, journal, grace: 300 })
    await until(() => replica.hands().leading)
    await replica.receive({ kind: 'entries', from: { name: 'b', address: 'http://b' }, entries: [entry({})] })
    await sleep(50)
    const more = entry({ '0.0': { state: 'success' } })
    await replica.receive({ kind: 'entries', from: { name: 'c', address: 'http://c' }, entries: [more] })
    expect((await first(replica)).entry.steps).toEqual({ '0.0': { state: 'success' } })
  })

  it("is known for another server's from the first, also where this one is cut short right after", async () => {
    const own = memoryJournal({ maxEvents: 10, now: () => performance.now() })
    const cut = () => Promise.reject(new Error('killed'))
    const journal: AdoptingJournal = { ...own, plan: cut, step: cut, note: cut }
    const replica = server({ election: stand(new MemoryStore(), 'a'), journal })
    await until(() => replica.hands().leading)
    const known = { ...entry({ '0.0': { state: 'started' } }), notes: {} }
    await replica.receive({ kind: 'entries', from: { name: 'b', address: 'http://b' }, entries: [known] })
    expect(await own.show('one')).toMatchObject({
      plan,
      steps: { '0.0': { state: 'started' } },
      notes: { 'replicas.origin': 'b' },
    })
  })

  it('is handed over where the journal could not be read for a moment', async () => {
    const store = new MemoryStore()
    const leader = stand(store, 'b')
    await until(() => leader.current().term !== undefined)
    const own = memoryJournal({ maxEvents: 10, now: () => performance.now() })
    let failures = 1
    const journal: AdoptingJournal = {
      ...own,
      show: (id) => (failures-- > 0 ? Promise.reject(new Error('disk I/O error')) : own.show(id)),
    }
    const taken: string[] = []
    const link: Link = async (_, message) => {
      if (message.kind === 'entries') taken.push(...message.entries.map(({ receipt }) => receipt.id))
      return { fates: ['kept'] }
    }
    const replica = server({ election: stand(store, 'a'), journal, link })
    await replica.accept(event, window)
    await until(() => taken.length > 0)
    await leader.close()
    expect(taken[0]).toBe('one')
  })

  it('is asked for again, where the leader could not tell that it is finished', async () => {
    const store = new MemoryStore()
    const leader = stand(store, 'b')
    await until(() => leader.current().term !== undefined)
    const own = memoryJournal({ maxEvents: 10, now: () => performance.now() })
    let asked = 0
    const link: Link = async () => ({ fates: [asked++ === 0 ? 'kept' : 'done'] })
    const replica = server({ election: stand(store, 'a'), journal: own, link, remind: 50 })
    await replica.accept(event, window)
    await until(() => own.stats().waiting === 0)
    await leader.close()
    expect(asked).toBe(2)
  })
})
