import type { Journal, Tenure } from './journal.ts'
import { patient } from './patient.ts'
import type { Tools } from './tools.ts'

/**
 * The tools for an entry that may pass to another process: they end, and begin nothing more, once it has.
 * @param journal as it is: what waits for it ends with the tenure
 */
export function under(tenure: Tenure, tools: Tools, journal: Journal): Tools {
  const lost = new AbortController()
  const signal = AbortSignal.any([tools.signal, tenure.signal, lost.signal])
  return {
    ...tools,
    signal,
    journal: patient(journal, { signal, log: tools.log }),
    mayAct() {
      if (!tenure.valid()) lost.abort(new Error('the right to work on this event has passed to another process'))
      signal.throwIfAborted()
    },
  }
}
