import { afterEach } from 'vitest'
import { elect, type Election } from './election.ts'
import { replicate, type Replica, type ReplicateOptions } from './replicate.ts'
import { quiet, STEADY, type MemoryStore } from './store.fixture.ts'

/** Events of the tests that use servers are nobody's repeat. */
export const window = { key: 'one', length: 0, sliding: false }

export const stand = (store: MemoryStore, identity: string): Election =>
  elect({ store, identity, address: `http://${identity}`, times: STEADY, log: quiet, now: () => performance.now() })

/** Gives a way to make servers that end with their test; each is `a`, and reaches nobody, where nothing else is said. */
export function servers() {
  const running: Replica[] = []
  afterEach(async () => {
    await Promise.all(running.splice(0).map((replica) => replica.close()))
  })
  return (options: Partial<ReplicateOptions> & Pick<ReplicateOptions, 'election' | 'journal'>): Replica => {
    const replica = replicate({
      link: () => Promise.reject(new Error('unreachable')),
      self: { name: 'a', address: 'http://a' },
      windowOf: () => window,
      log: quiet,
      now: Date.now,
      ...options,
    })
    running.push(replica)
    return replica
  }
}
