import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@talon/plugin'
import { codeOf, obstacle } from './failure.ts'

/** Milliseconds that a start waits for NATS, and between tries. */
const PATIENCE = 30_000
const PAUSE = 500

export interface PatienceParts {
  readonly patience?: number
  readonly log: Logger
}

/** Does what a start needs, again and again while NATS is not there yet. @throws ConfigError with what is wrong, and the way out. */
export async function whenThere<T>(
  wrong: string,
  work: () => Promise<T>,
  { patience = PATIENCE, log }: PatienceParts,
): Promise<T> {
  const since = performance.now()
  for (let tried = 0; ; tried++)
    try {
      return await work()
    } catch (error) {
      const failure = obstacle(error, wrong)
      if (!isAway(error) || performance.now() - since > patience) throw failure
      if (tried === 0) log.warn('NATS cannot be reached: the start waits for it', { error: failure.message })
      await sleep(PAUSE)
    }
}

/** Whether nobody answers there yet, or a cluster elects its leaders: anything else gets no better by waiting. */
function isAway(error: unknown): boolean {
  const said = error instanceof Error ? `${error.name} ${error.message} ${String(error.cause)}` : String(error)
  return (
    codeOf(error) === 10008 ||
    /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|TimeoutError|refused|ECONNRESET/i.test(said)
  )
}
