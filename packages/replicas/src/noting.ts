import type { Journal, Known } from '@talon/core'
import type { Copies } from './copies.ts'
import type { Election } from './election.ts'
import { merge } from './merge.ts'
import type { Progress } from './messages.ts'

export interface NotingParts {
  readonly journal: Journal
  readonly copies: Copies
  readonly election: Election
}

/** A keeper's side: writes down what the leader tells of an entry, into its own journal. */
export function createNoting({ journal, copies, election }: NotingParts): (item: Progress) => Promise<void> {
  /** The turn that the Lease was last seen to have, or a higher one that was heard of. */
  let latest = 0
  election.onChange(() => {
    const { leader, term } = election.current()
    latest = (term ?? leader)?.turn ?? latest
  })

  /** A leader that was paused tells what it did before another one took over. */
  async function learn(id: string, known: Partial<Known>): Promise<void> {
    const entry = await journal.show(id)
    if (entry?.state === 'unfinished') await merge(journal, entry, { steps: {}, notes: {}, ...known })
  }

  return async function note(item) {
    // Who leads knows better than who led before.
    if (copies.at(item.id) === 'working' && election.current().term) return
    latest = Math.max(latest, item.turn)
    const late = item.turn < latest
    const { id } = item
    if (item.kind === 'plan') await (late ? learn(id, { plan: item.plan }) : journal.plan(id, item.plan))
    else if (item.kind === 'step')
      await (late ? learn(id, { steps: { [item.step]: item.record } }) : journal.step(id, item.step, item.record))
    else if (item.kind === 'note')
      await (late ? learn(id, { notes: { [item.name]: item.value } }) : journal.note(id, item.name, item.value))
    else {
      await journal.finish(id, item.result)
      copies.forget(id)
    }
  }
}
