import type { DatabaseSync } from 'node:sqlite'
import { REFUSED, type Name, type Operations } from './operations.ts'
import { Reading } from './reading.ts'
import type { Room } from './room.ts'
import type { Tally } from './tally.ts'
import type { Windows } from './windows.ts'

/** What is known beside the database. */
export interface State {
  readonly tally: Tally
  readonly room: Room
  readonly windows: Windows
}

/** What each operation does to the tables. It runs inside a transaction that others share. */
export type Handlers = { readonly [K in Name]: (ask: Operations[K]['ask']) => Operations[K]['answer'] }

/** The statements of the journal, prepared once. */
export function createStore(db: DatabaseSync, { tally, room, windows }: State): Handlers {
  const reading = new Reading(db)
  const find = db.prepare('SELECT seq, state, key FROM entries WHERE id = ?')
  const repeat = db.prepare('UPDATE entries SET repeats = repeats + 1, until = ?, length = ? WHERE seq = ?')
  const insert = db.prepare(`
    INSERT INTO entries
      (seq, id, key, state, turn, urgency, received, trace_id, parent_span_id, sampled, until, length, finished)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const insertBody = db.prepare('INSERT INTO bodies (seq, raw) VALUES (?, ?)')
  const tell = db.prepare('INSERT OR REPLACE INTO facts (seq, kind, name, value) VALUES (?, ?, ?, ?)')
  const untell = db.prepare(`DELETE FROM facts WHERE seq = ? AND kind = 'step' AND name = ?`)
  const finish = db.prepare('UPDATE entries SET state = 1, finished = ?, turn = seq WHERE seq = ?')
  const fail = db.prepare('UPDATE entries SET state = 2, finished = ?, turn = seq, until = 0 WHERE seq = ?')
  const reopen = db.prepare('UPDATE entries SET state = 0, finished = NULL, turn = ?, asked = ? WHERE seq = ?')
  const write = db.prepare('INSERT OR REPLACE INTO letters (place, id, notifier, report) VALUES (?, ?, ?, ?)')
  const unwrite = db.prepare('DELETE FROM letters WHERE id = ? AND notifier = ?')

  const known = (id: string) => find.get(id) as { seq: number; state: number; key: string } | undefined
  const fact = (id: string, kind: string, name: string, value: string) => {
    const entry = known(id)
    if (entry) tell.run(entry.seq, kind, name, value)
  }

  return {
    accept(arrival) {
      const { id, key, length, at } = arrival
      if (known(id)) return REFUSED.duplicate
      const open = length > 0 ? windows.find(key, at) : undefined
      if (open) {
        const until = arrival.sliding ? at + length : open.until
        if (arrival.sliding) windows.set(key, { ...open, until })
        repeat.run(until, length, open.seq)
        return REFUSED.duplicate
      }
      if (tally.waiting >= arrival.events || !room.fits(arrival.raw.length, arrival.bytes)) return REFUSED.full
      const seq = tally.next++
      const until = length > 0 ? at + length : 0
      const { urgency, received, traceId, parentSpanId, sampled, concluded } = arrival
      const [state, finished] = concluded ? [1, at] : [0, null]
      insert.run(
        ...[seq, id, key, state, seq, urgency],
        ...[received, traceId, parentSpanId, sampled, until, length, finished],
      )
      insertBody.run(seq, arrival.raw)
      for (const [kind, name, value] of arrival.facts) tell.run(seq, kind, name, value)
      if (length > 0) windows.set(key, { seq, until })
      if (!concluded) tally.waiting++
      return seq
    },
    plan: ({ id, plan }) => fact(id, 'plan', '', plan),
    step({ id, step, record, letters }) {
      fact(id, 'step', step, record)
      for (const { id, notifier, report } of letters) write.run(tally.next++, id, notifier, report)
    },
    note: ({ id, name, value }) => fact(id, 'note', name, value),
    finish({ id, failed, at }) {
      const entry = known(id)
      if (entry?.state !== 0) return
      tally.waiting--
      if (failed) {
        fail.run(at, entry.seq)
        tally.failed++
        windows.end(entry.key, entry.seq)
      } else finish.run(at, entry.seq)
    },
    delivered({ id, notifier }) {
      unwrite.run(id, notifier)
    },
    retry({ id, asked, without }) {
      const entry = known(id)
      if (entry?.state !== 2) return 0
      for (const name of without) untell.run(entry.seq, name)
      const turn = tally.next++
      reopen.run(turn, asked, entry.seq)
      tally.failed--
      tally.waiting++
      return turn
    },
    drop({ id }) {
      const entry = known(id)
      if (!entry || entry.state === 0) return false
      room.forget(entry.seq)
      windows.end(entry.key, entry.seq)
      if (entry.state === 2) tally.failed--
      return true
    },
    page: (range) => reading.page(range),
    letters: (range) => reading.letters(range),
    list: ({ state, limit }) => reading.list(state, limit),
    show: ({ id }) => reading.show(id),
  }
}
