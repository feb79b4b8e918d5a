import type { Tenure } from './journal.ts'
import type { Tools } from './tools.ts'

/** The tools for an entry that may pass to another process: they end, and begin nothing more, once it has. */
export function under(tenure: Tenure, tools: Tools): Tools {
  const lost = new AbortController()
  const signal = AbortSignal.any([tools.signal, tenure.signal, lost.signal])
  return {
    ...tools,
    signal,
    mayAct() {
      if (!tenure.valid()) lost.abort(new Error('the right to work on this event has passed to another process'))
      signal.throwIfAborted()
    },
  }
}
