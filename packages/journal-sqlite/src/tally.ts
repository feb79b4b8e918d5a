import type { DatabaseSync } from 'node:sqlite'

/** What is counted beside the database, so that nobody has to ask it. A transaction that fails sets it back. */
export interface Tally {
  waiting: number
  failed: number
  /** The next place, in every table: none is given twice. */
  next: number
}

export function tallyOf(db: DatabaseSync): Tally {
  const count = (state: number) =>
    Number(db.prepare('SELECT count(*) AS count FROM entries WHERE state = ?').get(state)?.['count'])
  const last = db.prepare(`
    SELECT max(
      (SELECT coalesce(max(seq), 0) FROM entries),
      (SELECT coalesce(max(turn), 0) FROM entries),
      (SELECT coalesce(max(place), 0) FROM letters)
    ) AS last`)
  return { waiting: count(0), failed: count(2), next: Number(last.get()?.['last']) + 1 }
}
