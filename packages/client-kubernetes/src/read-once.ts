import { unlessAborted, type Event } from '@talon/plugin'

/** Reads `key` once for an event; whoever asks later, or meanwhile, gets the same answer. Failures are not kept. */
export type ReadOnce = <T>(
  event: Event,
  key: string,
  signal: AbortSignal,
  read: (signal: AbortSignal) => Promise<T>,
) => Promise<T>

/** A read is shared, so no single step's end may end it: it has a limit of its own, in milliseconds. */
const LIMIT = 30_000

/** Keeps what was read as long as the event lives. */
export function createReadOnce(): ReadOnce {
  const events = new WeakMap<Event, Map<string, Promise<unknown>>>()

  return async <T>(event: Event, key: string, signal: AbortSignal, read: (signal: AbortSignal) => Promise<T>) => {
    const kept = events.get(event) ?? new Map<string, Promise<unknown>>()
    events.set(event, kept)
    const reading = kept.get(key) ?? read(AbortSignal.timeout(LIMIT))
    kept.set(key, reading)
    reading.catch(() => kept.get(key) === reading && kept.delete(key))
    return unlessAborted(reading as Promise<T>, signal)
  }
}
