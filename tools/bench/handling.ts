import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTalon, memoryJournal, readConfig, type Journal } from '@talon/core'
import { sqliteJournal } from '../../packages/journal-sqlite/src/index.ts'
import { createMetrics, logObserver } from '@talon/telemetry'
import { EVENT } from './load.ts'
import type { Bench } from './row.ts'

const ROUNDS = 6
const EVENTS = 20_000
/** Events that are under way at once: as many as the load of the other benches has connections. */
const AT_ONCE = 32

const monotonic = () => performance.now()
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** The fewest microseconds of this thread for one of them, over the rounds: others on the machine only add to it. */
async function cost(work: (body: string) => unknown): Promise<number> {
  let least = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const bodies = Array.from({ length: EVENTS }, (_, n) => EVENT.replace('[<id>]', `web-${round}-${n}`)).values()
    const began = process.threadCpuUsage()
    const hands = Array.from({ length: AT_ONCE }, async () => {
      for (const body of bodies) await work(body)
    })
    await Promise.all(hands)
    const { user, system } = process.threadCpuUsage(began)
    least = Math.min(least, (user + system) / EVENTS)
  }
  return least
}

/** What an event that no rule matches costs the thread that answers, without HTTP. It is processor time, so that it can be compared on a busy machine. */
export const handling: Bench = {
  name: 'handling',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'talon-bench-'))
    const { config } = readConfig({ env: {}, flags: {} })

    async function costWith(journal: Journal): Promise<number> {
      const observers = [createMetrics().observer, logObserver(silent, { printAllEvents: false })]
      const talon = await createTalon({
        plugins: [],
        rules: [],
        config,
        observers,
        journal,
        spoolPath: join(folder, 'spool'),
      })
      try {
        return await cost((body) => talon.handle(body))
      } finally {
        await talon.stop()
      }
    }

    try {
      const bare = await cost((body) => void JSON.parse(body))
      const disk = { path: join(folder, 'journal'), maxEvents: 100_000, maxBytes: 2 ** 30, keep: 60_000 }
      const clocks = { now: Date.now, monotonic, log: silent }
      const costs = {
        'in memory': await costWith(memoryJournal({ maxEvents: 100_000, now: monotonic })),
        'on disk': await costWith(await sqliteJournal({ ...disk, ...clocks, onFailure: 'refuse' })),
      }
      return Object.entries(costs).map(([where, each]) => ({
        what: `processor time of one event in the thread that answers, without HTTP, the journal ${where}`,
        measured: `${each.toFixed(1)} µs`,
        baseline: `JSON.parse alone: ${bare.toFixed(1)} µs`,
        result: `${(each - bare).toFixed(1)} µs more`,
        aim: '',
        met: undefined,
      }))
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}
