import { decode, receiptOf, type Entry, type Plan, type Receipt, type StepKey, type StepRecord } from '@talon/core'
import { z } from 'zod'

/** An entry on its way to the leader. The event travels as it was received. */
export interface HandedEntry {
  readonly receipt: Receipt
  readonly raw: string
  readonly plan?: Plan
  readonly steps: Readonly<Record<StepKey, StepRecord>>
  readonly notes: Readonly<Record<string, string>>
  /** Epoch milliseconds when an operator asked for it again. */
  readonly asked?: number
}

/** A server: its name, the same after a restart, and where it takes messages. */
export interface Peer {
  readonly name: string
  readonly address: string
}

/** How an entry went on at the leader: what its first keeper writes into its own journal. */
export type Progress = { readonly id: string } & (
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'step'; readonly step: StepKey; readonly record: StepRecord }
  | { readonly kind: 'note'; readonly name: string; readonly value: string }
  | { readonly kind: 'finish'; readonly result: 'done' | 'failed' }
)

export type Message =
  | {
      readonly kind: 'entries'
      readonly from: Peer
      readonly entries: readonly HandedEntry[]
    }
  | { readonly kind: 'progress'; readonly items: readonly Progress[] }

/**
 * What became of a handed entry: `kept` by the leader until it is finished, `duplicate` of another, over already
 * (`done`, `failed`), or `full`: the leader cannot take it now.
 */
export type Fate = 'kept' | 'duplicate' | 'done' | 'failed' | 'full'

export type Answer = { readonly fates: readonly Fate[] } | { readonly error: 'not_leader' } | { readonly ok: true }

/** The outer shape alone: what is sealed with the secret was written by another Talon. */
const messageSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('entries'),
    from: z.object({ name: z.string().min(1), address: z.url({ protocol: /^https?$/ }) }),
    entries: z.array(z.looseObject({ raw: z.string() })),
  }),
  z.object({ kind: z.literal('progress'), items: z.array(z.looseObject({ id: z.string(), kind: z.string() })) }),
])

/** @throws where the body is no message. */
export function readMessage(body: string): Message {
  return messageSchema.parse(JSON.parse(body)) as unknown as Message
}

export function handed({ event, plan, steps, notes, asked }: Entry): HandedEntry {
  return {
    receipt: receiptOf(event),
    raw: event.raw,
    ...(plan && { plan }),
    steps,
    notes,
    ...(asked !== undefined && { asked }),
  }
}

/** The event of a handed entry. @throws EventError where it is none. */
export const eventOf = ({ raw, receipt }: HandedEntry) => decode(raw, receipt)
