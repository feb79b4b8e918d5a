import { setTimeout as sleep } from 'node:timers/promises'
import type { LeaseRecord, LeaseStore } from './lease.ts'

/** A Lease in memory, with the optimistic lock of the API server; `down` makes it unreachable. */
export class MemoryStore implements LeaseStore {
  record: LeaseRecord | undefined
  down = false
  #version = 0

  async read(): Promise<LeaseRecord | undefined> {
    this.#reach()
    return this.record
  }

  async create(record: Omit<LeaseRecord, 'version'>): Promise<LeaseRecord> {
    this.#reach()
    if (this.record) throw new Error('already exists')
    return this.#write(record)
  }

  async replace(record: LeaseRecord): Promise<LeaseRecord> {
    this.#reach()
    if (this.record?.version !== record.version) throw new Error('the object has been modified')
    return this.#write(record)
  }

  /** The same Lease, by a way that can be cut for one server alone. */
  line(): LeaseStore & { cut: boolean } {
    const through =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A) => {
        if (line.cut) throw new Error('no route to the API server')
        return call(...args)
      }
    const line = {
      cut: false,
      read: through(() => this.read()),
      create: through((record: Omit<LeaseRecord, 'version'>) => this.create(record)),
      replace: through((record: LeaseRecord) => this.replace(record)),
    }
    return line
  }

  #reach(): void {
    if (this.down) throw new Error('no API server')
  }

  #write(record: Omit<LeaseRecord, 'version'>): LeaseRecord {
    this.record = { ...record, version: String(++this.#version) }
    return this.record
  }
}

export const quiet = { debug() {}, info() {}, warn() {}, error() {} }
/** Seconds. */
export const TIMES = { duration: 0.4, renew: 0.25, retry: 0.03 }
/** Of a leader that a busy machine does not make lose its lease, and that gives it up where a test says so. */
export const STEADY = { duration: 60, renew: 40, retry: 0.03 }

/** Waits for ten seconds at most. @throws where it does not come */
export async function until(what: () => boolean, name = 'it'): Promise<void> {
  for (let left = 1000; !what(); left--) {
    if (!left) throw new Error(`${name} never came`)
    await sleep(10)
  }
}
