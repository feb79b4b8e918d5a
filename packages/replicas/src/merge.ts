import { isOver, type Entry, type Journal, type Known, type StepKey } from '@talon/core'

/** Adds what is learnt late of an entry: what its journal knows already is not overwritten, but by how a step ended. */
export async function merge(journal: Journal, known: Entry, { plan, steps, notes }: Known): Promise<void> {
  const { id } = known.event
  const writes: Promise<void>[] = []
  if (plan && !known.plan) writes.push(journal.plan(id, plan))
  for (const [name, record] of Object.entries(steps)) {
    const step = name as StepKey
    const mine = known.steps[step]
    if (!mine || (!isOver(mine) && isOver(record))) writes.push(journal.step(id, step, record))
  }
  for (const [name, value] of Object.entries(notes))
    if (known.notes[name] === undefined) writes.push(journal.note(id, name, value))
  await Promise.all(writes)
}
