import {
  decode,
  receiptOf,
  type Entry,
  type Known,
  type Plan,
  type Receipt,
  type StepKey,
  type StepRecord,
} from '@talon/core'
import { z } from 'zod'

/** An entry on its way to the leader. The event travels as it was received. */
export interface HandedEntry extends Known {
  readonly receipt: Receipt
  readonly raw: string
  /** Milliseconds since it was received, by the clock of who hands it over. */
  readonly waited: number
  /** Epoch milliseconds when an operator asked for it again. */
  readonly asked?: number
}

/** A server: its name, the same after a restart, and where it takes messages. */
export interface Peer {
  readonly name: string
  readonly address: string
}

/** How an entry went on at the leader: what its first keeper writes into its own journal. */
export type Progress = {
  readonly id: string
  /** The leader's, as its term has it: what a former one tells late overwrites nothing. */
  readonly turn: number
} & Happening

export type Happening =
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'step'; readonly step: StepKey; readonly record: StepRecord }
  | { readonly kind: 'note'; readonly name: string; readonly value: string }
  | { readonly kind: 'finish'; readonly result: 'done' | 'failed' }

export type Message =
  | {
      readonly kind: 'entries'
      readonly from: Peer
      readonly entries: readonly HandedEntry[]
    }
  | { readonly kind: 'progress'; readonly items: readonly Progress[] }

/**
 * What became of a handed entry: `kept` by the leader until it is finished, `duplicate` of another, over already
 * (`done`, `failed`), `full`: the leader cannot take it now, or `unreadable`: it never can.
 */
export type Fate = 'kept' | 'duplicate' | 'done' | 'failed' | 'full' | 'unreadable'

export type Answer = { readonly fates: readonly Fate[] } | { readonly error: 'not_leader' } | { readonly ok: true }

/** Bytes of a message at most, and of what one is filled up to where there is more to send. */
export const MAX_MESSAGE = 16 * 2 ** 20
export const FILL = MAX_MESSAGE / 4

/** The outer shape alone: what is sealed with the secret was written by another Talon. */
const messageSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('entries'),
    from: z.object({ name: z.string().min(1), address: z.url({ protocol: /^https?$/ }) }),
    // Each is looked at by itself: one that another version wrote otherwise must not stop the rest.
    entries: z.array(z.unknown()),
  }),
  z.object({ kind: z.literal('progress'), items: z.array(z.unknown()) }),
])

const entrySchema = z.looseObject({
  receipt: z.looseObject({ id: z.string().min(1), received: z.number(), traceId: z.string() }),
  raw: z.string(),
  waited: z.number(),
  steps: z.record(z.string(), z.looseObject({ state: z.string() })),
  notes: z.record(z.string(), z.string()),
})

const about = { id: z.string().min(1), turn: z.number() }
const progressSchema = z.discriminatedUnion('kind', [
  z.looseObject({ ...about, kind: z.literal('plan'), plan: z.looseObject({ rules: z.array(z.unknown()) }) }),
  z.looseObject({
    ...about,
    kind: z.literal('step'),
    step: z.string(),
    record: z.looseObject({ state: z.string() }),
  }),
  z.looseObject({ ...about, kind: z.literal('note'), name: z.string(), value: z.string() }),
  z.looseObject({ ...about, kind: z.literal('finish'), result: z.enum(['done', 'failed']) }),
])

/** @throws where the body is no message. */
export function readMessage(body: string): Message {
  return messageSchema.parse(JSON.parse(body)) as unknown as Message
}

export function handed({ event, plan, steps, notes, asked }: Entry, now: number): HandedEntry {
  return {
    receipt: receiptOf(event),
    raw: event.raw,
    waited: Math.max(0, now - event.received),
    ...(plan && { plan }),
    steps,
    notes,
    ...(asked !== undefined && { asked }),
  }
}

export const isEntry = (entry: HandedEntry): boolean => entrySchema.safeParse(entry).success

/** What a later version tells besides says nothing here. */
export const isProgress = (item: Progress): boolean => progressSchema.safeParse(item).success

/** The event of a handed entry. @throws EventError where it is none. */
export const eventOf = ({ raw, receipt }: HandedEntry) => decode(raw, receipt)
