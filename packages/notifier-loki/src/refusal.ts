import { ActionError, TalonError } from '@talon/plugin'

/** What Loki says of entries that it does not take, and what to do about it. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/too far behind|out of order/i, 'they came later than Loki still orders them (half of its ingester.max_chunk_age)'],
  [/too old/i, 'they are older than its limits_config.reject_old_samples_max_age: retries or an outage took so long'],
  [/too new|in the future/i, 'the clocks of Talon and Loki differ'],
  [/no org id/i, 'it has tenants: set notifiers.loki.tenant'],
]

/** Loki took the rest of a push where it answers 400, so trying again would bring nothing. */
export function explained(error: unknown): unknown {
  if (!TalonError.is(error) || error.kind !== 'action') return error
  const advice = ADVICE.find(([words]) => words.test(error.message))?.[1]
  if (!advice) return error
  const { message, cause, retryable, retryAfter } = error
  const wait = retryAfter === undefined ? {} : { retryAfter }
  return new ActionError(`${message}; ${advice}`, { cause, retryable, ...wait })
}
