import type { DatabaseSync } from 'node:sqlite'
import type { Name, Operations } from './operations.ts'
import { Reading } from './reading.ts'
import type { Room } from './room.ts'
import type { Tally } from './tally.ts'

/** What each operation does to the tables. It runs inside a transaction that others share. */
export type Handlers = { readonly [K in Name]: (ask: Operations[K]['ask']) => Operations[K]['answer'] }

/** The statements of the journal, prepared once. */
export function createStore(db: DatabaseSync, tally: Tally, room: Room): Handlers {
  const reading = new Reading(db)
  const find = db.prepare('SELECT seq, state, key FROM entries WHERE id = ?')
  const seen = db.prepare('SELECT seq FROM windows WHERE key = ? AND until > ?')
  const repeat = db.prepare('UPDATE entries SET repeats = repeats + 1 WHERE seq = ?')
  const extend = db.prepare('UPDATE windows SET until = ?, length = ? WHERE key = ?')
  const begin = db.prepare('INSERT OR REPLACE INTO windows (key, seq, until, length) VALUES (?, ?, ?, ?)')
  const end = db.prepare('DELETE FROM windows WHERE key = ? AND seq = ?')
  const insert = db.prepare(`
    INSERT INTO entries (seq, id, key, state, turn, urgency, received, trace_id, parent_span_id)
    VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?)`)
  const insertBody = db.prepare('INSERT INTO bodies (seq, raw) VALUES (?, ?)')
  const tell = db.prepare('INSERT OR REPLACE INTO facts (seq, kind, name, value) VALUES (?, ?, ?, ?)')
  const untell = db.prepare(`DELETE FROM facts WHERE seq = ? AND kind = 'step' AND name = ?`)
  const finish = db.prepare('UPDATE entries SET state = ?, finished = ?, turn = seq WHERE seq = ?')
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
      if (known(id)) return { verdict: 'duplicate', turn: 0 }
      const open = length > 0 ? seen.get(key, at) : undefined
      if (open) {
        repeat.run(Number(open['seq']))
        if (arrival.sliding) extend.run(at + length, length, key)
        return { verdict: 'duplicate', turn: 0 }
      }
      if (tally.waiting >= arrival.events || !room.fits(arrival.raw.length, arrival.bytes))
        return { verdict: 'full', turn: 0 }
      const seq = tally.next++
      insert.run(seq, id, key, seq, arrival.urgency, arrival.received, arrival.traceId, arrival.parentSpanId)
      insertBody.run(seq, arrival.raw)
      if (length > 0) begin.run(key, seq, at + length, length)
      tally.waiting++
      return { verdict: 'accepted', turn: seq }
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
      finish.run(failed ? 2 : 1, at, entry.seq)
      tally.waiting--
      if (!failed) return
      tally.failed++
      end.run(entry.key, entry.seq)
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
      if (entry.state === 2) tally.failed--
      return true
    },
    page: (range) => reading.page(range),
    letters: (range) => reading.letters(range),
    list: ({ state, limit }) => reading.list(state, limit),
    show: ({ id }) => reading.show(id),
  }
}
