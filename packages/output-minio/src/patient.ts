import { once } from 'node:events'
import type { ClientRequest } from 'node:http'
import { Writable } from 'node:stream'

/** Milliseconds after which the content is sent all the same: not every server knows the question. */
const PATIENCE = 1000

/**
 * The body of a request that was sent with `Expect: 100-continue`: written once the server asks for it. A server that
 * refuses would otherwise close the connection in the middle, and its reason be lost.
 */
export function patient(asked: ClientRequest): Writable {
  asked.flushHeaders()
  const wanted = once(asked, 'continue', { signal: AbortSignal.timeout(PATIENCE) }).catch(() => {})
  const body = new Writable({
    // Its end is not that of the request: the answer is yet to come, or an error that must be heard.
    autoDestroy: false,
    write(chunk: Uint8Array, _, done) {
      void wanted.then(() => asked.write(chunk, done))
    },
    final(done) {
      void wanted.then(() => asked.end(done))
    },
    destroy(error, done) {
      asked.destroy(error ?? undefined)
      done(error)
    },
  })
  asked.on('error', (error) => body.destroy(error))
  return body
}
