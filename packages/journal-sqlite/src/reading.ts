import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { LetterRow, Operations, Range, Row } from './operations.ts'

const COLUMNS = `
  seq, turn, id, received, trace_id AS traceId, parent_span_id AS parentSpanId, sampled, raw, repeats, asked, state, finished
  FROM entries JOIN bodies USING (seq)`

interface Fact {
  readonly kind: 'plan' | 'step' | 'note'
  readonly name: string
  readonly value: string
}

/** Entries and letters, read in pages. */
export class Reading {
  readonly #page: StatementSync
  readonly #urgent: StatementSync
  readonly #facts: StatementSync
  readonly #letters: StatementSync
  readonly #all: StatementSync
  readonly #some: StatementSync
  readonly #one: StatementSync

  constructor(db: DatabaseSync) {
    const unfinished = `SELECT ${COLUMNS} WHERE state = 0 AND turn > ? AND turn <= ?`
    this.#page = db.prepare(`${unfinished} ORDER BY turn LIMIT ?`)
    this.#urgent = db.prepare(`${unfinished} AND urgency = ? ORDER BY turn LIMIT ?`)
    this.#facts = db.prepare('SELECT kind, name, value FROM facts WHERE seq = ?')
    this.#letters = db.prepare(
      'SELECT place, notifier, report FROM letters WHERE place > ? AND place <= ? ORDER BY place LIMIT ?',
    )
    this.#all = db.prepare(`SELECT ${COLUMNS} ORDER BY seq DESC LIMIT ?`)
    this.#some = db.prepare(`SELECT ${COLUMNS} WHERE state = ? ORDER BY turn DESC LIMIT ?`)
    this.#one = db.prepare(`SELECT ${COLUMNS} WHERE id = ?`)
  }

  page({ after, upTo, urgency, limit }: Range): Row[] {
    const rows =
      urgency === undefined ? this.#page.all(after, upTo, limit) : this.#urgent.all(after, upTo, urgency, limit)
    return rows.map((row) => this.#row(row))
  }

  letters({ after, upTo, limit }: Operations['letters']['ask']): LetterRow[] {
    return this.#letters.all(after, upTo, limit) as unknown as LetterRow[]
  }

  /** Newest first. What was retried counts by its turn while it is unfinished. */
  list(state: number | null, limit: number): Row[] {
    const rows = state === null ? this.#all.all(limit) : this.#some.all(state, limit)
    return rows.map((row) => this.#row(row))
  }

  show(id: string): Row | undefined {
    const row = this.#one.get(id)
    return row && this.#row(row)
  }

  #row(columns: object): Row {
    const { seq, ...row } = columns as Omit<Row, 'plan' | 'steps' | 'notes'> & { seq: number }
    const facts = this.#facts.all(seq) as unknown as Fact[]
    const of = (wanted: Fact['kind']) =>
      facts.filter(({ kind }) => kind === wanted).map(({ name, value }) => [name, value] as const)
    const [plan] = of('plan')
    return { ...row, ...(plan && { plan: plan[1] }), steps: of('step'), notes: of('note') }
  }
}
