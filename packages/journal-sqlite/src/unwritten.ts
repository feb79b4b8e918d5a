import type { Operation } from './operations.ts'

/** Characters of what is held back at most. */
const ROOM = 64 * 2 ** 20
/** Milliseconds until the disk is tried again, the first time, and at most: each trial does again all that is held back. */
const [SOON, LATER] = [1_000, 60_000]

/** What the disk refused, to be done again when it takes it. */
export class Unwritten {
  #operations: Operation[] = []
  #size = 0
  #due = 0
  #pause = SOON

  get operations(): readonly Operation[] {
    return this.#operations
  }

  get size(): number {
    return this.#operations.length
  }

  get hasRoom(): boolean {
    return this.#size < ROOM
  }

  add(operation: Operation): void {
    this.#operations.push(operation)
    this.#size += JSON.stringify(operation).length
  }

  isDue(at: number): boolean {
    return at >= this.#due
  }

  postpone(at: number): void {
    this.#due = at + this.#pause
    this.#pause = Math.min(this.#pause * 2, LATER)
  }

  clear(): void {
    this.#operations = []
    this.#size = 0
    this.#pause = SOON
  }
}
