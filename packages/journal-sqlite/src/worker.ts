// The thread that owns the database. Whoever waits for the disk waits here, and nobody waits for him at the door.
import { parentPort, workerData } from 'node:worker_threads'
import { Commits } from './commit.ts'
import { openDatabase, Unopened } from './database.ts'
import type { Asked, Setting, Told } from './messages.ts'
import { Room } from './room.ts'
import { tallyOf } from './tally.ts'
import { Windows } from './windows.ts'

/** Milliseconds between two rounds of tidying. */
const TIDY = 1_000

function begin(port: NonNullable<typeof parentPort>, { file, keep, maxEvents, at }: Setting): void {
  const tell = (message: Told) => port.postMessage(message)
  const db = openDatabase(file)
  const windows = new Windows()
  windows.load(db, at)
  const tally = tallyOf(db)
  const room = new Room(db, tally)
  const commits = new Commits(db, { tally, room, windows })
  let tidied = 0

  port.on('message', (asked: Asked) => {
    if (asked === 'close') {
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      db.close()
      port.close()
      return
    }
    tell({ about: 'reply', reply: commits.run(asked.operations) })
    if (Math.abs(asked.at - tidied) < TIDY) return
    tidied = asked.at
    windows.sweep(asked.at, maxEvents)
    try {
      commits.transact(() => room.tidy(asked.at, keep))
    } catch {
      // A disk that refuses this refuses the next event too, and that is told.
    }
  })
  tell({ about: 'ready', last: tally.next - 1, figures: commits.figures() })
}

if (parentPort)
  try {
    begin(parentPort, workerData as Setting)
  } catch (error) {
    const why = error instanceof Unopened ? error.why : 'unusable'
    const message = error instanceof Error ? error.message : String(error)
    parentPort.postMessage({ about: 'unopened', why, message } satisfies Told)
    parentPort.close()
  }
