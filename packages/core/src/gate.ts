import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, TalonError, type Client, type Logger, type Opened, type Uses } from '@talon/plugin'
import type { Host } from './host.ts'

export interface GateOptions {
  readonly host: Pick<Host, 'open' | 'check'>
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Opens clients, and waits for the other side where it has not been reached since the start. */
export type Gate = <U extends Uses>(uses: U) => Promise<Opened<U>>

const FIRST_WAIT = 250
const LONGEST_WAIT = 5_000
const CHECK_TIMEOUT = 5_000

/**
 * A cluster that is away while Talon starts fails no action: events wait until it has answered once. From then on an
 * outage is the error of the action that meets it.
 */
export function createGate({ host, log, signal }: GateOptions): Gate {
  const reached = new Map<string, Promise<void>>()

  async function reach(client: Client): Promise<void> {
    for (let wait = FIRST_WAIT; ; wait = Math.min(LONGEST_WAIT, wait * 2))
      try {
        return await host.check(client, AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT)]))
      } catch (error) {
        if (signal.aborted || (TalonError.is(error) && error.kind === 'config')) {
          reached.delete(client.name)
          throw error
        }
        if (wait === FIRST_WAIT)
          log.warn(`${client.name} cannot be reached: events wait until it can`, { error: messageOf(error) })
        await sleep(wait, undefined, { signal })
      }
  }

  return async (uses) => {
    for (const client of Object.values(uses)) {
      if (!reached.has(client.name)) reached.set(client.name, reach(client))
      await reached.get(client.name)
    }
    return host.open(uses)
  }
}
