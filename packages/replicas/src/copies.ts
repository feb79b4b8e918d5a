import type { Term } from './election.ts'

/** Who works on an entry: nobody yet, this server, or the leader that it was handed to. */
export type Place = 'idle' | 'working' | 'handed'

/** The entries that this server's journal holds unfinished, and what it knows of the other servers that hold them, too. */
export class Copies {
  readonly open = new Map<string, Place>()
  /** Addresses of the servers that handed an entry to this one. */
  readonly #keepers = new Map<string, Set<string>>()
  /** Entries whose first keeper spoke in this term, by the term. */
  readonly #confirmed = new Map<string, Term>()

  /** A server handed it over; with a term, that server was its first keeper. */
  keptBy(id: string, address: string, term?: Term): void {
    this.#keepers.set(id, (this.#keepers.get(id) ?? new Set()).add(address))
    if (term) this.#confirmed.set(id, term)
  }

  keepers(id: string): readonly string[] {
    return [...(this.#keepers.get(id) ?? [])]
  }

  isConfirmed(id: string, term: Term): boolean {
    return this.#confirmed.get(id) === term
  }

  forget(id: string): void {
    this.open.delete(id)
    this.#keepers.delete(id)
    this.#confirmed.delete(id)
  }

  /** The first entries in this place. */
  in(place: Place, limit = Infinity): string[] {
    const ids: string[] = []
    for (const [id, at] of this.open) {
      if (ids.length >= limit) break
      if (at === place) ids.push(id)
    }
    return ids
  }
}
