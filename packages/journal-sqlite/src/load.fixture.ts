// A process that loads the journal until it is killed, and prints what the journal promised: `<what> <id>`, a line each.
import { writeSync } from 'node:fs'
import { accept, letterOf } from '../../core/src/journal.fixture.ts'
import { sqliteJournal } from './journal.ts'

const [path = '', first = '0'] = process.argv.slice(2)
const now = () => performance.now()
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const journal = await sqliteJournal({
  ...{ path, maxEvents: 100_000, maxBytes: 2 ** 30, keep: 86_400_000, onFailure: 'refuse' },
  ...{ now: Date.now, monotonic: now, log: silent },
})
const promised = (what: string, id: string) => void writeSync(1, `${what} ${id}\n`)

let next = Number(first)
async function client(): Promise<void> {
  for (;;) {
    const id = String(next++)
    await accept(journal, id)
    promised('accepted', id)
    await journal.plan(id, { rulesHash: id, rules: [] })
    promised('planned', id)
    await journal.step(id, '0.0', { state: 'success' }, [letterOf(id)])
    promised('told', id)
    await journal.finish(id, Number(id) % 2 ? 'failed' : 'done')
    promised('finished', id)
  }
}
await Promise.all(Array.from({ length: 16 }, client))
