import { decode, type Entry, type KeptEntry } from '@talon/core'
import type { Letter, Plan, StepRecord } from '@talon/core'
import { STATES, type LetterRow, type Row } from './operations.ts'

/** The entry of a row: its event is read again from the text that came. @throws EventError */
export function entryOf(row: Row): Entry {
  const { id, received, traceId, parentSpanId, sampled, raw, plan, steps, notes, repeats, asked } = row
  return {
    event: decode(raw, {
      ...{ id, received, traceId },
      ...(parentSpanId !== null && { parentSpanId }),
      ...(sampled === 0 && { sampled: false }),
    }),
    ...(plan !== undefined && { plan: JSON.parse(plan) as Plan }),
    steps: Object.fromEntries(steps.map(([name, record]) => [name, JSON.parse(record) as StepRecord])),
    notes: Object.fromEntries(notes),
    repeats,
    ...(asked !== null && { asked }),
  }
}

export function keptOf(row: Row): KeptEntry {
  const { state, finished } = row
  return { ...entryOf(row), state: STATES[state] ?? 'unfinished', ...(finished !== null && { finished }) }
}

export function letterOf({ notifier, report }: LetterRow): Letter {
  return { notifier, report: JSON.parse(report) as Letter['report'] }
}
