import type { EntryState } from '@talon/core'

/** Numbers that the database keeps instead of names. */
export const STATES = ['unfinished', 'done', 'failed'] as const satisfies readonly EntryState[]

/** What is answered to an event that is not accepted. Turns are positive. */
export const REFUSED = { duplicate: 0, full: -1 } as const

/** An event at the door. */
export interface Arrival {
  readonly id: string
  readonly received: number
  readonly traceId: string
  readonly parentSpanId: string | null
  /** 0: the sender asked not to record its trace. */
  readonly sampled: 0 | 1
  readonly raw: string
  /** Place in the list of priorities, the least urgent 0. */
  readonly urgency: number
  readonly key: string
  /** Milliseconds; 0: no window. */
  readonly length: number
  readonly sliding: boolean
  /** How many unfinished events there may be before this one. */
  readonly events: number
  /** How many bytes there may be before this one. */
  readonly bytes: number
  readonly at: number
  /** What another process knows of it: kind, name, JSON text. */
  readonly facts: readonly (readonly [kind: string, name: string, value: string])[]
  /** Nothing is to be done about it: it is finished as it comes. */
  readonly concluded: boolean
}

/** An entry as it lies in the database; JSON is left as text. */
export interface Row {
  /** Its place in the order of work. */
  readonly turn: number
  readonly id: string
  readonly received: number
  readonly traceId: string
  readonly parentSpanId: string | null
  /** 0: the sender asked not to record its trace. */
  readonly sampled: 0 | 1
  readonly raw: string
  readonly plan?: string
  readonly steps: readonly (readonly [name: string, record: string])[]
  readonly notes: readonly (readonly [name: string, value: string])[]
  readonly repeats: number
  readonly asked: number | null
  readonly state: number
  readonly finished: number | null
}

export interface LetterRow {
  readonly place: number
  readonly notifier: string
  readonly report: string
}

/** Which of the unfinished: those with a turn after one place, and up to another. */
export interface Range {
  readonly after: number
  readonly upTo: number
  /** Of this urgency alone. */
  readonly urgency?: number
  readonly limit: number
}

/** What the journal asks of the thread that owns the database, and what that answers. Plain data on both ways. */
export interface Operations {
  /** Answers with the turn of what is accepted, or one of `REFUSED`: a number costs the threads least. */
  accept: { ask: Arrival; answer: number }
  plan: { ask: { readonly id: string; readonly plan: string }; answer: void }
  step: {
    ask: {
      readonly id: string
      readonly step: string
      readonly record: string
      readonly letters: readonly { readonly id: string; readonly notifier: string; readonly report: string }[]
    }
    answer: void
  }
  note: { ask: { readonly id: string; readonly name: string; readonly value: string }; answer: void }
  finish: { ask: { readonly id: string; readonly failed: boolean; readonly at: number }; answer: void }
  delivered: { ask: { readonly id: string; readonly notifier: string }; answer: void }
  /** Begins again without the steps of these names. Answers with the new turn; 0: no such event failed. */
  retry: { ask: { readonly id: string; readonly asked: number; readonly without: readonly string[] }; answer: number }
  drop: { ask: { readonly id: string }; answer: boolean }
  page: { ask: Range; answer: readonly Row[] }
  letters: { ask: Omit<Range, 'urgency'>; answer: readonly LetterRow[] }
  list: { ask: { readonly state: number | null; readonly limit: number }; answer: readonly Row[] }
  show: { ask: { readonly id: string }; answer: Row | undefined }
}

export type Name = keyof Operations
export type Operation = { [K in Name]: { readonly name: K; readonly ask: Operations[K]['ask'] } }[Name]

/** How much there is. */
export interface Figures {
  readonly waiting: number
  readonly failed: number
  readonly oldest: number | undefined
  readonly bytes: number
  /** Operations that the disk refused and memory holds. */
  readonly unwritten: number
}

/** Why an operation did not happen. */
export interface Refusal {
  readonly message: string
  /** The disk's fault, not the operation's: it may work later. */
  readonly disk: boolean
}

export interface Reply {
  /** In the order of the operations; nothing where `refusals` has one. */
  readonly answers: readonly unknown[]
  readonly refusals: Readonly<Record<number, Refusal>>
  readonly figures: Figures
  /** What the disk said when it refused. */
  readonly trouble?: string
}
