import type { DatabaseSync } from 'node:sqlite'
import { isDisk } from './database.ts'
import type { Figures, Name, Operation, Refusal, Reply } from './operations.ts'
import { createStore, type Handlers, type State } from './store.ts'

const READS: ReadonlySet<Name> = new Set(['page', 'letters', 'list', 'show'])

/** Runs groups of operations, each group in one transaction. */
export class Commits {
  readonly #db: DatabaseSync
  readonly #state: State
  readonly #store: Handlers
  readonly #oldest

  constructor(db: DatabaseSync, state: State) {
    this.#db = db
    this.#state = state
    this.#store = createStore(db, state)
    this.#oldest = db.prepare('SELECT received FROM entries WHERE state = 0 ORDER BY turn LIMIT 1')
  }

  /** All in one transaction. Where that fails each is tried alone, so that one to blame takes no other down. */
  run(operations: readonly Operation[]): Reply {
    const refusals: Record<number, Refusal> = {}
    let answers: unknown[] = []
    try {
      answers = this.transact(() => operations.map((operation) => this.#do(operation)))
    } catch (error) {
      let refusal = refusalOf(error)
      for (const [index, operation] of operations.entries())
        // A disk that refused one thing to write refuses the next; what it holds can still be read.
        if (refusal.disk && !READS.has(operation.name)) refusals[index] = refusal
        else
          try {
            answers[index] = this.transact(() => this.#do(operation))
          } catch (error) {
            refusals[index] = refusal = refusalOf(error)
          }
    }
    return { answers, refusals, figures: this.figures() }
  }

  /** @throws what SQLite throws, with nothing changed. */
  transact<T>(work: () => T): T {
    const { tally, room, windows } = this.#state
    const before = { ...tally }
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      const result = work()
      this.#db.exec('COMMIT')
      windows.keep()
      return result
    } catch (error) {
      // SQLite may have rolled back by itself.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      Object.assign(tally, before)
      room.recount()
      windows.undo()
      throw error
    }
  }

  figures(): Figures {
    const { tally, room } = this.#state
    const { waiting, failed } = tally
    const oldest = waiting ? this.#oldest.get()?.['received'] : undefined
    return { waiting, failed, oldest: typeof oldest === 'number' ? oldest : undefined, bytes: room.bytes }
  }

  #do({ name, ask }: Operation): unknown {
    // Name and ask belong together; TypeScript cannot follow a union through a table.
    return (this.#store[name] as (ask: Operation['ask']) => unknown)(ask)
  }
}

function refusalOf(error: unknown): Refusal {
  return { message: error instanceof Error ? error.message : String(error), disk: isDisk(error) }
}
