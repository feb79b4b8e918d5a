import type { Term } from './election.ts'
import type { Peer } from './messages.ts'

/**
 * Where an entry is: nobody works on it yet (`idle`), it waits for its first keeper, who may know more of it
 * (`waiting`), this server works on it (`working`), or has and could not end it (`left`), or another one does (`handed`).
 */
export type Place = 'idle' | 'waiting' | 'working' | 'left' | 'handed'

/** The entries that this server's journal holds unfinished, by their ids, and what it knows of the other servers that hold them, too. */
export class Copies {
  readonly #at = new Map<string, Place>()
  readonly #places: Readonly<Record<Place, Set<string>>> = {
    idle: new Set(),
    waiting: new Set(),
    working: new Set(),
    left: new Set(),
    handed: new Set(),
  }
  /** Addresses of the servers that handed an entry to this one, by their names: a restarted one has another address. */
  readonly #keepers = new Map<string, Map<string, string>>()
  /** Entries whose first keeper spoke in this term, by the term. */
  readonly #confirmed = new Map<string, Term>()
  #change: PromiseWithResolvers<void> | undefined

  at(id: string): Place | undefined {
    return this.#at.get(id)
  }

  /** Puts it there, last. */
  move(id: string, to: Place): void {
    const from = this.#at.get(id)
    if (from) this.#places[from].delete(id)
    this.#at.set(id, to)
    this.#places[to].add(id)
    this.wake()
  }

  /** It is idle, where it was not known yet. */
  come(id: string): void {
    if (!this.#at.has(id)) this.move(id, 'idle')
  }

  /** How many are in this place. */
  count(place: Place): number {
    return this.#places[place].size
  }

  /** The first entries in this place. */
  in(place: Place, limit = Infinity): string[] {
    const ids: string[] = []
    for (const id of this.#places[place]) {
      if (ids.length >= limit) break
      ids.push(id)
    }
    return ids
  }

  forget(id: string): void {
    const place = this.#at.get(id)
    if (place) this.#places[place].delete(id)
    this.#at.delete(id)
    this.#keepers.delete(id)
    this.#confirmed.delete(id)
    this.wake()
  }

  /** Resolves when anything moves, or somebody calls `wake`. */
  changed(): Promise<void> {
    return (this.#change ??= Promise.withResolvers<void>()).promise
  }

  wake(): void {
    this.#change?.resolve()
    this.#change = undefined
  }

  /** That server handed it over. */
  keptBy(id: string, { name, address }: Peer): void {
    this.#keepers.set(id, (this.#keepers.get(id) ?? new Map()).set(name, address))
  }

  keepers(id: string): readonly string[] {
    return [...(this.#keepers.get(id)?.values() ?? [])]
  }

  /** Its first keeper spoke in this term, and what that one knows is in the journal. */
  confirm(id: string, term: Term | undefined): void {
    if (!term) return
    this.#confirmed.set(id, term)
    if (this.at(id) === 'waiting') this.move(id, 'idle')
  }

  isConfirmed(id: string, term: Term): boolean {
    return this.#confirmed.get(id) === term
  }
}
