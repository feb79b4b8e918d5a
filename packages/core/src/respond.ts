import { done, ignored, type Event, type Notes } from '@talon/plugin'
import type { Entry, Journal } from './journal.ts'
import { perform } from './perform.ts'
import { plan } from './plan.ts'
import type { Ruleset } from './ruleset.ts'
import type { Outcome, RunStage } from './stage.ts'
import type { Tools } from './tools.ts'

/**
 * Brings an event that the journal keeps to its end: plans, stores the plan, performs its rules side by side.
 * Where the engine stops before that, the entry stays as it is.
 */
export async function respond(entry: Entry, ruleset: () => Ruleset, tools: Tools): Promise<void> {
  const { event } = entry
  await tools.runStage({ name: 'event', event }, async () => {
    try {
      return await work()
    } catch (error) {
      if (tools.signal.aborted) return ignored('stopped: the rest waits in the journal for the next start')
      throw error
    }
  })

  async function work(): Promise<Outcome> {
    const planned = entry.plan ?? plan(event, ruleset())
    const { rules } = planned
    if (!rules.length) {
      await tools.journal.finish(event.id, 'done')
      return unmatched()
    }
    if (!entry.plan) await tools.journal.plan(event.id, planned)
    const notes = notesOf(event, entry.notes, tools.journal)
    const endings = await Promise.allSettled(
      rules.map(async (rule, place) => {
        const stage = { name: 'match', event, rule: rule.rule, dryRun: rule.dryRun } as const
        await tools.runStage(stage, async () => done('matched'))
        return perform({ ...entry, rule, place, notes }, tools)
      }),
    )
    for (const ending of endings) if (ending.status === 'rejected') throw ending.reason
    const failed = endings.some((ending) => ending.status === 'fulfilled' && !ending.value)
    await tools.journal.finish(event.id, failed ? 'failed' : 'done')
    return done(`${rules.length} ${rules.length === 1 ? 'rule matches' : 'rules match'}`)
  }
}

const unmatched = () => ignored('no rule matches')

/** Tells of an event that no rule matches, and that the journal has concluded. */
export async function passBy(event: Event, runStage: RunStage): Promise<void> {
  await runStage({ name: 'event', event }, async () => unmatched())
}

/** What is noted with the event, here at once, and in the journal as soon as it can. */
function notesOf({ id }: Event, noted: Readonly<Record<string, string>>, journal: Journal): Notes {
  const notes = new Map(Object.entries(noted))
  return {
    get: (name) => notes.get(name),
    set(name, value) {
      if (notes.get(name) === value) return
      notes.set(name, value)
      journal.note(id, name, value).catch(() => {
        // A note that is lost is found out again after a restart; the journal reports its own failures.
      })
    },
  }
}
