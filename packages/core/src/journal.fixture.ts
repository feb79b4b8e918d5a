import type { Report } from '@talon/plugin'
import { decode } from './event.ts'
import type { Entry, Journal, Letter, Verdict, Window, Work } from './journal.ts'

/** A journal under test, and what the test does to it. */
export interface JournalStand {
  journal: Journal
  /** Moves the clock that windows go by, in milliseconds. */
  readonly pass: (milliseconds: number) => void
  /** Closes it and opens it again on what it stored: `journal` is another one then. Absent where it lasts no longer than its process. */
  restart?(): Promise<void>
  close(): Promise<void>
}

/** One test: a walk with a journal of its own. */
export type Journey = (what: string, walk: (stand: JournalStand) => Promise<void>, maxEvents?: number) => void

export const PLAN = { rulesHash: 'h', rules: [] }
export const PROGRESS: Omit<Entry, 'event' | 'repeats'> = {
  plan: PLAN,
  steps: {
    '0.0': { state: 'success' },
    '0.1': { state: 'collected', collected: { file: 'f', name: 'n', size: 1, sha256: 's', at: 2 } },
  },
  notes: { 'pod.uid': 'v' },
}

export async function progress(journal: Journal, id: string): Promise<void> {
  await journal.plan(id, PLAN)
  await journal.step(id, '0.0', { state: 'started' })
  for (const [step, record] of Object.entries(PROGRESS.steps)) await journal.step(id, step as '0.0', record)
  await journal.note(id, 'pod.uid', 'u')
  await journal.note(id, 'pod.uid', 'v')
}

/** An event that came at as many milliseconds as its id says. */
export function eventOf(id: string, priority = 'Notice') {
  return decode(JSON.stringify({ rule: 'x', priority }), { id, received: Number(id), traceId: '' })
}

export function windowOf(key: string, over: Partial<Window> = {}): Window {
  return { key, length: 5000, sliding: false, ...over }
}

export function accept(
  journal: Journal,
  id: string,
  { key = id, priority, ...over }: Partial<Window> & { priority?: string } = {},
): Promise<Verdict> {
  return journal.accept(eventOf(id, priority), windowOf(key, over))
}

export function letterOf(id: string, notifier = 'slack'): Letter {
  // No more than the journal knows of it.
  return { notifier, report: { id, message: 'told' } as Report }
}

export async function lettersOf(journal: Journal): Promise<Letter[]> {
  const letters: Letter[] = []
  for await (const letter of journal.letters()) letters.push(letter)
  return letters
}

/** The next entries of the work. */
export async function take(journal: Journal, count: number): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const { entry } of journal.work()) if (entries.push(entry) === count) break
  return entries
}

export async function next(work: AsyncIterator<Work>): Promise<Entry | undefined> {
  const { value } = (await work.next()) as IteratorResult<Work, undefined>
  return value?.entry
}

export async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setTimeout(resolve, 1))
}
