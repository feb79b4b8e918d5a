// The thread that owns the database. Whoever waits for the disk waits here, and nobody waits for him at the door.
import type { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { Commits } from './commit.ts'
import { openDatabase, Unopened } from './database.ts'
import type { Aside, Asked, Setting, Told } from './messages.ts'
import { Room } from './room.ts'
import { salvage, setAside } from './salvage.ts'
import { tallyOf } from './tally.ts'
import { Windows } from './windows.ts'

/** Milliseconds between two rounds of tidying. */
const TIDY = 1_000

function begin(port: NonNullable<typeof parentPort>, setting: Setting): void {
  const tell = (message: Told) => port.postMessage(message)
  const { db, aside } = openOrReplace(setting)
  const windows = new Windows()
  windows.load(db, setting.at)
  const tally = tallyOf(db)
  const room = new Room(db, tally)
  const commits = new Commits({ db, tally, room, windows, onFailure: setting.onFailure })
  let tidied = 0

  port.on('message', (asked: Asked) => {
    if (asked === 'close') {
      commits.catchUp(0)
      tell({ about: 'closed', lost: commits.unwritten })
      end(db)
      port.close()
      return
    }
    tell({ about: 'reply', reply: commits.run(asked.operations, asked.at) })
    if (asked.at - tidied < TIDY || commits.unwritten) return
    tidied = asked.at
    windows.sweep(asked.at, setting.maxEvents)
    try {
      commits.transact(() => room.tidy(asked.at, setting.keep))
    } catch {
      // A disk that refuses this refuses the next event too, and that is told.
    }
  })
  tell({ about: 'ready', last: tally.next - 1, figures: commits.figures(), ...(aside && { aside }) })
}

/** @throws Unopened */
function openOrReplace({ file, onFailure, at }: Setting): { db: DatabaseSync; aside?: Aside } {
  try {
    return { db: openDatabase(file) }
  } catch (error) {
    if (!(error instanceof Unopened) || error.why !== 'corrupt' || onFailure === 'refuse') throw error
    const damaged = setAside(file, at)
    const db = openDatabase(file)
    return { db, aside: { file: damaged, salvaged: salvage(damaged, db) } }
  }
}

/** The log is copied into the file where the disk allows it; where not, the next start does it. */
function end(db: DatabaseSync): void {
  try {
    if (!db.isTransaction) db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    db.close()
  } catch {
    // What was promised is in the log.
  }
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
