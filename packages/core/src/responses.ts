import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry, Journal } from './journal.ts'
import { respond } from './respond.ts'
import type { Ruleset } from './ruleset.ts'
import { under } from './tenure.ts'
import type { Tools } from './tools.ts'

export interface ResponsesOptions {
  /** As it is: what waits for it ends with the tenure of an entry. */
  readonly journal: Journal
  readonly tools: Tools
  /** The rules for what has no plan yet. */
  readonly ruleset: () => Ruleset
}

/** What is under way, and no more of it than there is room for. */
export interface Responses {
  /** Takes what the journal gives, until the engine ends. */
  work(): Promise<void>
  /** Counts this among what is under way. */
  follow(response: Promise<void>): void
  readonly full: boolean
  readonly entries: ReadonlySet<Entry>
  /** Begins nothing any more that another process may do; resolves when all is over, also what the journal is about to give. */
  drain(): Promise<void>
}

/** Events that are responded to at once; what steps of theirs run at once is `concurrency`. */
const MOST = 10_000
/** Milliseconds that a drain waits for what the journal has and has not given yet. */
const COMING = 1000

export function createResponses({ journal, tools, ruleset }: ResponsesOptions): Responses {
  const { signal } = tools
  const underWay = new Set<Promise<void>>()
  const entries = new Set<Entry>()
  let draining = false
  /** Tells `work` that a response has ended. */
  let ended = () => {}

  function follow(response: Promise<void>): void {
    const followed = response.finally(() => {
      underWay.delete(followed)
      ended()
    })
    underWay.add(followed)
  }

  return {
    follow,
    entries,
    get full() {
      return underWay.size >= MOST
    },
    async work() {
      for await (const { entry, tenure } of journal.work()) {
        if (signal.aborted) return
        if (tenure && draining) {
          // Another process takes it: this one ends.
          tenure.release()
          continue
        }
        entries.add(entry)
        const response = respond(entry, ruleset, tenure ? under(tenure, tools, journal) : tools)
        follow(
          response.finally(() => {
            entries.delete(entry)
            tenure?.release()
          }),
        )
        // No race of them all: each race would stay with each of them until it ends.
        while (underWay.size >= MOST && !signal.aborted) await new Promise<void>((resolve) => (ended = resolve))
      }
    },
    async drain() {
      draining = true
      // What was accepted a moment ago is on its way from the journal.
      const coming = performance.now() + COMING
      do {
        await Promise.allSettled(underWay)
        await sleep(1)
      } while (underWay.size || (journal.stats().waiting > 0 && performance.now() < coming))
    },
  }
}
