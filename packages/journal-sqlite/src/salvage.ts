import { existsSync, renameSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

/** Tables, and what they are read by. */
const TABLES = { entries: 'seq', bodies: 'seq', facts: 'seq', letters: 'place' } as const

/** Moves a file and the log that belongs to it out of the way. @returns its new name. */
export function setAside(file: string, at: number): string {
  const aside = `${file}.corrupt-${new Date(at).toISOString().replaceAll(':', '-')}`
  for (const end of ['', '-wal', '-shm']) if (existsSync(file + end)) renameSync(file + end, aside + end)
  return aside
}

/**
 * Takes over what can be read of a damaged file: from its front to the first damage, and from its end.
 * @returns how many events.
 */
export function salvage(damaged: string, db: DatabaseSync): number {
  db.exec('BEGIN IMMEDIATE')
  let source: DatabaseSync | undefined
  try {
    source = new DatabaseSync(damaged, { defensive: false })
    // With a schema that may be written, SQLite reads a file that is shorter than it says it is.
    source.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA writable_schema = ON')
    for (const [table, key] of Object.entries(TABLES))
      for (const order of ['ASC', 'DESC']) {
        const whole = copy(source, db, table, `SELECT * FROM ${table} ORDER BY ${key} ${order}`)
        if (whole) break
      }
  } catch {
    // Nothing can be read of it.
  }
  try {
    source?.close()
  } catch {
    // It is damaged.
  }
  db.exec(`
    DELETE FROM entries WHERE seq NOT IN (SELECT seq FROM bodies);
    DELETE FROM bodies WHERE seq NOT IN (SELECT seq FROM entries);
    DELETE FROM facts WHERE seq NOT IN (SELECT seq FROM entries);
    COMMIT;
  `)
  return Number(db.prepare('SELECT count(*) AS count FROM entries').get()?.['count'])
}

/** @returns whether it came to the end. */
function copy(source: DatabaseSync, db: DatabaseSync, table: string, query: string): boolean {
  try {
    for (const row of source.prepare(query).iterate()) insert(db, table, row)
    return true
  } catch {
    return false
  }
}

function insert(db: DatabaseSync, table: string, row: Record<string, SQLInputValue>): void {
  const names = Object.keys(row)
  try {
    db.prepare(`INSERT OR IGNORE INTO ${table} (${names.join()}) VALUES (${names.map(() => '?').join()})`).run(
      ...Object.values(row),
    )
  } catch {
    // A damaged row: another type than the column's.
  }
}
