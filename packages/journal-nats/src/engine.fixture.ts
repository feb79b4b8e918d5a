import { isOver, type Journal, type Letter } from '@talon/core'

/** What engines did, by event. */
export interface Deeds {
  readonly again: Map<string, number>
  readonly once: Map<string, number>
  readonly interrupted: Set<string>
  readonly told: Map<string, number>
}

export const noDeeds = (): Deeds => ({ again: new Map(), once: new Map(), interrupted: new Set(), told: new Map() })

const add = (counts: Map<string, number>, id: string) => counts.set(id, (counts.get(id) ?? 0) + 1)

/**
 * Works as the engine does: one step that may run twice, and one that may not. Ends with the journal.
 * @param pause milliseconds that each step takes
 */
export async function engineOn(journal: Journal, deeds: Deeds, pause = 1): Promise<void> {
  const under = new Set<Promise<void>>()
  for await (const { entry, tenure } of journal.work()) {
    const id = entry.event.id
    const mayAct = () => {
      if (!tenure?.valid()) throw new Error('passed on')
    }
    const work = async () => {
      if (!entry.plan) await journal.plan(id, { rulesHash: 'h', rules: [] })
      const [again, once] = [entry.steps['0.0'], entry.steps['0.1']]
      if (!again || !isOver(again)) {
        mayAct()
        add(deeds.again, id)
        await wait(pause)
        await journal.step(id, '0.0', { state: 'success' })
      }
      if (once && isOver(once)) {
        // It is done.
      } else if (once || entry.uncertain) {
        await journal.step(id, '0.1', { state: 'interrupted' })
        deeds.interrupted.add(id)
      } else {
        await journal.step(id, '0.1', { state: 'started' })
        mayAct()
        add(deeds.once, id)
        await wait(pause)
        const letter = { notifier: 'slack', report: { id: `r${id}` } } as Letter
        await journal.step(id, '0.1', { state: 'success' }, [letter])
        add(deeds.told, id)
        await journal.delivered(letter)
      }
      await journal.finish(id, 'done')
    }
    const one = work()
      .catch(() => {
        // The journal keeps it.
      })
      .finally(() => {
        under.delete(one)
        tenure?.release()
      })
    under.add(one)
  }
  await Promise.all(under)
}

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
