import type { DatabaseSync } from 'node:sqlite'
import { isDisk } from './database.ts'
import type { Figures, Name, Operation, Refusal, Reply } from './operations.ts'
import { createStore, type Handlers, type State } from './store.ts'
import { Unwritten } from './unwritten.ts'

const READS: ReadonlySet<Name> = new Set(['page', 'letters', 'list', 'show'])

export interface CommitOptions extends State {
  readonly db: DatabaseSync
  readonly onFailure: 'refuse' | 'memory'
}

/**
 * Runs groups of operations, each group in one transaction. Where the disk takes none and memory is allowed, the
 * transaction stays open: its pages lie in memory (`cache_spill` is off), it is read and written as ever, and is
 * committed as soon as the disk takes it. SQLite gives a transaction up when a commit fails, so all that it did is done
 * again, in the same order and at the same times, which gives the same answers.
 */
export class Commits {
  readonly #options: CommitOptions
  readonly #store: Handlers
  readonly #oldest
  readonly #unwritten = new Unwritten()
  #committed: State['tally']
  #trouble: string | undefined

  constructor(options: CommitOptions) {
    this.#options = options
    this.#store = createStore(options.db, options)
    this.#oldest = options.db.prepare('SELECT received FROM entries WHERE state = 0 ORDER BY turn LIMIT 1')
    this.#committed = { ...options.tally }
  }

  /** All in one transaction. Where that fails each is tried alone, so that one to blame takes no other down. */
  run(operations: readonly Operation[], at: number): Reply {
    this.#trouble = undefined
    if (this.#unwritten.size) {
      if (!this.#unwritten.isDue(at) || !this.catchUp(at)) return this.#inMemory(operations)
    }
    const refusals: Record<number, Refusal> = {}
    let answers: unknown[] = []
    try {
      answers = this.transact(() => operations.map((operation) => this.#do(operation)))
    } catch (error) {
      if (isDisk(error)) this.#trouble = messageOf(error)
      if (isDisk(error) && this.#options.onFailure === 'memory') return this.#inMemory(operations)
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
    return this.#reply(answers, refusals)
  }

  /** Work besides, where nothing is held back. @throws what SQLite throws, with nothing changed. */
  transact<T>(work: () => T): T {
    try {
      this.#options.db.exec('BEGIN IMMEDIATE')
      const result = work()
      this.#commit()
      return result
    } catch (error) {
      this.#rollback()
      throw error
    }
  }

  /** How many operations are in memory alone. */
  get unwritten(): number {
    return this.#unwritten.size
  }

  /** Writes what was held back. @returns whether all is on disk. */
  catchUp(at: number): boolean {
    if (!this.#unwritten.size) return true
    try {
      this.#redo()
      this.#commit()
      this.#unwritten.clear()
      return true
    } catch (error) {
      this.#trouble = messageOf(error)
      this.#rollback()
      this.#unwritten.postpone(at)
      return false
    }
  }

  #inMemory(operations: readonly Operation[]): Reply {
    const refusals: Record<number, Refusal> = {}
    const answers: unknown[] = []
    for (const [index, operation] of operations.entries())
      try {
        this.#redo()
        const writes = !READS.has(operation.name)
        if (writes && !this.#unwritten.hasRoom)
          refusals[index] = { message: this.#trouble ?? 'memory holds no more of what the disk refused', disk: true }
        else {
          answers[index] = this.#do(operation)
          if (writes) this.#unwritten.add(operation)
        }
      } catch (error) {
        this.#trouble = messageOf(error)
        refusals[index] = refusalOf(error)
      }
    return this.#reply(answers, refusals)
  }

  /** Where the transaction was given up: what is held back is done again. */
  #redo(): void {
    const { db } = this.#options
    if (db.isTransaction) return
    this.#restore()
    db.exec('BEGIN IMMEDIATE')
    for (const operation of this.#unwritten.operations) this.#do(operation)
  }

  #commit(): void {
    const { db, windows, tally } = this.#options
    db.exec('COMMIT')
    windows.keep()
    this.#committed = { ...tally }
  }

  #rollback(): void {
    const { db } = this.#options
    // SQLite may have rolled back by itself.
    if (db.isTransaction) db.exec('ROLLBACK')
    this.#restore()
  }

  #restore(): void {
    const { tally, room, windows } = this.#options
    Object.assign(tally, this.#committed)
    room.recount()
    windows.undo()
  }

  #reply(answers: readonly unknown[], refusals: Reply['refusals']): Reply {
    return {
      answers,
      refusals,
      figures: this.figures(),
      ...(this.#trouble !== undefined && { trouble: this.#trouble }),
    }
  }

  figures(): Figures {
    const { tally, room } = this.#options
    const { waiting, failed } = tally
    const oldest = waiting ? this.#oldest.get()?.['received'] : undefined
    return {
      ...{ waiting, failed, bytes: room.bytes, unwritten: this.#unwritten.size },
      oldest: typeof oldest === 'number' ? oldest : undefined,
    }
  }

  #do({ name, ask }: Operation): unknown {
    // Name and ask belong together; TypeScript cannot follow a union through a table.
    return (this.#store[name] as (ask: Operation['ask']) => unknown)(ask)
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

function refusalOf(error: unknown): Refusal {
  return { message: messageOf(error), disk: isDisk(error) }
}
