import type { Readiness } from '@talon/core'
import { messageOf } from '@talon/plugin'

/** Milliseconds. Kubelet's own limit is a second by default, and it asks every ten. */
const TIMEOUT = 3000
const KEEP = 1000

/**
 * Asks at most once a second, however often it is asked: anybody may call `/readyz`, and each answer costs the API
 * server a request.
 */
export function sharedReadiness(
  ready: (signal: AbortSignal) => Promise<Readiness>,
  now: () => number,
): () => Promise<Readiness> {
  let asked = -Infinity
  let answer: Promise<Readiness> | undefined
  return () => {
    if (answer && now() - asked < KEEP) return answer
    asked = now()
    answer = ready(AbortSignal.timeout(TIMEOUT)).catch((error: unknown) => ({
      ready: false,
      problems: [messageOf(error)],
    }))
    return answer
  }
}
