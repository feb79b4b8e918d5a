import { MAX_BODY } from '@talon/core'
import { Refusal } from './refusal.ts'

/** Bytes of all bodies that are being read at once. Falco's events have a few KiB: this many are no honest traffic. */
const MAX_HELD = 256 * MAX_BODY

const tooLarge = (max: number) =>
  new Refusal(413, 'too_large', `the body is over ${max} bytes: Falco's events are far smaller`, {
    // What is still on its way need not be read.
    connection: 'close',
  })

/** Reads a body of the declared length; `text` reads it whole. @throws Refusal */
export type BodyReader = (
  request: Request,
  declared: string | undefined,
  text: () => Promise<string>,
) => Promise<string>

/**
 * Gives a reader of bodies. Hono's own body limit reads each body as a stream, which halves the throughput; a declared
 * length is all that is looked at here, and bytes are counted only where there is none.
 */
export function bodyReader(max = MAX_BODY): BodyReader {
  let held = 0
  return async (request, declared, text) => {
    const length = declared === undefined ? max : Number(declared)
    if (length > max) throw tooLarge(max)
    if (held + length > MAX_HELD)
      throw new Refusal(503, 'full', 'too many bodies at once: try again', { 'retry-after': '1', connection: 'close' })
    held += length
    try {
      return declared === undefined ? await count(request, max) : await text()
    } catch (error) {
      if (error instanceof Refusal) throw error
      throw new Refusal(400, 'aborted', 'the body ended early', { connection: 'close' })
    } finally {
      held -= length
    }
  }
}

/** Reads a body of unknown length. Bytes that are no UTF-8 become U+FFFD, as they do where the length is known. */
async function count(request: Request, max: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > max) throw tooLarge(max)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i

/** @throws Refusal where the sender says that the body is something else than JSON. */
export function checkType(type: string | undefined, encoding: string | undefined): void {
  if (encoding !== undefined && encoding !== 'identity')
    throw new Refusal(415, 'content_type', 'the body is compressed: send it as it is')
  if (type === undefined || type === '' || JSON_TYPE.test(type)) return
  const hint = /x-www-form-urlencoded/i.test(type) ? ": with curl add -H 'content-type: application/json'" : ''
  throw new Refusal(415, 'content_type', `the content type is not application/json${hint}`)
}
