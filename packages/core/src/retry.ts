import { setTimeout as sleep } from 'node:timers/promises'
import { TalonError, type ActionError } from '@talon/plugin'

export interface RetryOptions {
  /** How many times more, after the first. */
  readonly retries: number
  /** Only where the other side surely did nothing: for what may not be done twice. */
  readonly untouchedOnly?: boolean
  readonly signal: AbortSignal
  /** 0 to 1, for the jitter. */
  readonly random: () => number
  /** Milliseconds before the second try; doubled for each further one. */
  readonly pause?: number
  /** Told before each wait. */
  readonly onRetry?: (error: ActionError, wait: number) => void
}

const PAUSE = 500
/** No wait is longer, whatever the other side asks for. */
const LONGEST = 60_000

/**
 * Does `work` again while it fails with an error that says trying again makes sense. Waits as long as the other side
 * asks for, else twice as long each time, give or take half, so that many do not come back at once.
 */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { retries, untouchedOnly = false, signal, random, pause = PAUSE, onRetry } = options
  for (let tried = 0; ; tried++)
    try {
      return await work()
    } catch (error) {
      if (tried >= retries || signal.aborted || !isRetryable(error) || (untouchedOnly && !error.untouched)) throw error
      const wait = Math.min(LONGEST, error.retryAfter ?? pause * 2 ** tried * (0.5 + random()))
      onRetry?.(error, wait)
      await sleep(wait, undefined, { signal }).catch(() => Promise.reject(error))
    }
}

function isRetryable(error: unknown): error is ActionError {
  return TalonError.is(error) && error.kind === 'action' && error.retryable
}
