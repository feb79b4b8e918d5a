import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { APPLICATION, SCHEMA, VERSION } from './schema.ts'

/** Why the file cannot be used. */
export type Obstacle = 'locked' | 'corrupt' | 'foreign' | 'newer' | 'other' | 'unusable'

export class Unopened extends Error {
  readonly why: Obstacle

  constructor(why: Obstacle, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.why = why
  }
}

/** Milliseconds to wait for a process that is just ending. */
const PATIENCE = 2_000
/** Pages of the write-ahead log that are copied into the file at once: 4 MiB, a wait that an answer can bear. */
const CHECKPOINT = 500
/** Bytes that the log is cut to after that. */
const LOG = 16 * 2 ** 20

/**
 * Opens the file, makes it where it is missing, and locks it for this process as long as it is open.
 * @throws Unopened
 */
export function openDatabase(file: string): DatabaseSync {
  const fresh = makeFile(file)
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file, { timeout: PATIENCE })
    // Before anything is read. `cache_spill`: what is not committed stays in memory, see commit.ts.
    db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_spill = OFF;`)
    // Pages of 8 KiB hold several events: a third less is written than with 4 KiB, and with 16 KiB.
    if (fresh) db.exec('PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL')
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT};
      PRAGMA journal_size_limit = ${LOG};
      BEGIN IMMEDIATE;
    `)
    prepare(db)
    db.exec('COMMIT')
    return db
  } catch (error) {
    db?.close()
    throw error instanceof Unopened ? error : new Unopened(obstacleOf(error), error)
  }
}

/** Its own user's alone: events hold command lines. SQLite gives the log beside it the same mode. @returns whether it is empty. */
function makeFile(file: string): boolean {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    try {
      closeSync(openSync(file, 'wx', 0o600))
      return true
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
      chmodSync(file, 0o600)
      return false
    }
  } catch (error) {
    throw new Unopened('unusable', error)
  }
}

function prepare(db: DatabaseSync): void {
  const application = pragma(db, 'application_id')
  const version = pragma(db, 'user_version')
  const empty = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count'] === 0
  if (empty) return db.exec(SCHEMA)
  if (application !== APPLICATION) throw new Unopened('foreign', 'it is a database of another program')
  if (version > VERSION)
    throw new Unopened('newer', `its tables are of version ${version}, this Talon knows ${VERSION}`)
  const found = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
  if (found !== 'ok') throw new Unopened('corrupt', String(found))
  if (columnsOf(db) !== ownColumns()) throw new Unopened('other', 'its tables are those of another version of Talon')
  if (version < VERSION) db.exec(`PRAGMA user_version = ${VERSION}`)
}

function columnsOf(db: DatabaseSync): string {
  const sql = `SELECT t.name AS "table", c.name, c.type FROM sqlite_schema t JOIN pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT GLOB 'sqlite_*' ORDER BY 1, 2`
  return JSON.stringify(db.prepare(sql).all())
}

function ownColumns(): string {
  const db = new DatabaseSync(':memory:')
  try {
    db.exec(SCHEMA)
    return columnsOf(db)
  } finally {
    db.close()
  }
}

export function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0])
}

/** https://sqlite.org/rescode.html: the lowest byte is the kind of the error. */
const FULL = 13
const KINDS: Readonly<Record<number, Obstacle>> = { 5: 'locked', 6: 'locked', 11: 'corrupt', 26: 'corrupt' }
/** Read only, input or output, full, cannot open, and both that say corrupt. */
const DISK = new Set([8, 10, 11, FULL, 14, 26])

function kindOf(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}

function obstacleOf(error: unknown): Obstacle {
  return KINDS[kindOf(error) ?? 0] ?? 'unusable'
}

/** Whether the disk is to blame, and not what was asked. */
export function isDisk(error: unknown): boolean {
  return DISK.has(kindOf(error) ?? 0)
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
