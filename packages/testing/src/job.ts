import type { Job, Logger, Notes } from '@talon/plugin'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** What every run of a test may be given: when it ends, and who hears what it logs. */
export interface JobOptions {
  readonly signal?: AbortSignal
  readonly log?: Logger
}

/** What each run gets: an end that never comes and a log that nobody reads, where the test says nothing else. */
export function jobOf({ signal = new AbortController().signal, log = silent }: JobOptions): Job {
  return { signal, log }
}

/** Notes that live as long as the test. */
export function memoryNotes(): Notes {
  const notes = new Map<string, string>()
  return { get: (name) => notes.get(name), set: (name, value) => void notes.set(name, value) }
}
