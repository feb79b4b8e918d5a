import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { elect, type Election } from './election.ts'
import { MemoryStore, quiet, TIMES, until } from './store.fixture.ts'
import type { LeaseStore } from './lease.ts'

const running: Election[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((election) => election.close()))
})

/** The server's clock runs on; `skip` makes it jump, as it does for a process that was paused. */
function stand(store: LeaseStore, identity: string) {
  let skipped = 0
  const now = () => performance.now() + skipped
  const election = elect({ store, identity, address: `http://${identity}`, times: TIMES, log: quiet, now })
  running.push(election)
  return Object.assign(election, { skip: (by: number) => void (skipped += by) })
}

const leads = (election: Election) => election.current().term !== undefined

describe('an election', () => {
  it('has one leader, whom the others know with its address', async () => {
    const store = new MemoryStore()
    const all = ['a', 'b', 'c'].map((name) => stand(store, name))
    await until(() => all.every((one) => leads(one) || one.current().leader))
    const leader = all.filter(leads)
    expect(leader).toHaveLength(1)
    const holder = store.record?.holder
    for (const one of all.filter((one) => !leads(one)))
      expect(one.current().leader).toMatchObject({ identity: holder, address: `http://${holder}` })
  })

  it('replaces a leader that is cut off, whose term ends before another begins', async () => {
    const store = new MemoryStore()
    const line = store.line()
    const first = stand(line, 'a')
    await until(() => leads(first))
    const { term } = first.current()
    const second = stand(store, 'b')
    let endedFirst: boolean | undefined
    second.onChange(() => {
      if (leads(second)) endedFirst = term?.signal.aborted
    })
    line.cut = true
    await until(() => leads(second))
    expect([endedFirst, term?.valid()]).toEqual([true, false])
    line.cut = false
    await until(() => first.current().leader?.identity === 'b')
  })

  it('goes on where the API server is away for less than the leader may go without', async () => {
    const store = new MemoryStore()
    const first = stand(store, 'a')
    const second = stand(store, 'b')
    await until(() => leads(first) || leads(second))
    const [leader, term] = leads(first) ? [first, first.current().term] : [second, second.current().term]
    store.down = true
    await sleep(60)
    store.down = false
    await sleep(200)
    expect([leader.current().term === term, term?.signal.aborted]).toEqual([true, false])
  })

  it('tells a leader that slept that its term is over, before any timer could', async () => {
    const election = stand(new MemoryStore(), 'a')
    await until(() => leads(election))
    const { term } = election.current()
    expect(term?.valid()).toBe(true)
    election.skip(TIMES.renew * 1000 + 1)
    expect([term?.valid(), leads(election), term?.signal.aborted]).toEqual([false, false, false])
  })

  it('is won at once where the leader gives the lease up; it stands no more, and sees who leads', async () => {
    const store = new MemoryStore()
    const first = stand(store, 'a')
    await until(() => leads(first))
    const second = stand(store, 'b')
    await until(() => second.current().leader !== undefined)
    await first.release()
    expect(store.record?.holder).toBe('')
    await until(() => leads(second))
    await until(() => first.current().leader?.identity === 'b')
  })

  it('leaves the Lease free where its taking was on the way as the server ended', async () => {
    const store = new MemoryStore()
    const written = Promise.withResolvers<void>()
    const slow: LeaseStore = {
      read: () => store.read(),
      replace: (record) => store.replace(record),
      async create(record) {
        const made = await store.create(record)
        written.resolve()
        await sleep(30)
        return made
      },
    }
    const ending = stand(slow, 'a')
    await written.promise
    await ending.release()
    await ending.close()
    expect(store.record?.holder).toBe('')
  })
})
