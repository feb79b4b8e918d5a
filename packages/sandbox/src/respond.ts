import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { ApiError, statusOf, type Refusal } from './status.ts'

const refusalOf = (error: unknown): Refusal =>
  error instanceof ApiError ? error.refusal : { code: 500, reason: 'InternalError', message: String(error) }

const bodyOf = (refusal: Refusal) => (refusal.plain ? refusal.message : statusOf(refusal))

/** Answers an error as a Status; a refusal that was meant in its own words, another as 500. */
export function refuse(response: ServerResponse, error: unknown): void {
  const refusal = refusalOf(error)
  const { code, retryAfter } = refusal
  if (response.headersSent) response.destroy()
  else write(response, code, bodyOf(refusal), retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) })
}

/** The same where a WebSocket was asked for: no response is there yet. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const refusal = refusalOf(error)
  const answer = bodyOf(refusal)
  const body = typeof answer === 'string' ? answer : JSON.stringify(answer)
  const headers = [
    `HTTP/1.1 ${refusal.code} ${STATUS_CODES[refusal.code] ?? 'Refused'}`,
    `content-type: ${refusal.plain ? 'text/plain' : 'application/json'}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...(refusal.retryAfter === undefined ? [] : [`retry-after: ${refusal.retryAfter}`]),
    'connection: close',
  ]
  socket.end(`${headers.join('\r\n')}\r\n\r\n${body}`)
}

/** Answers text and bytes as they are, all else as JSON. */
export function write(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const plain = typeof body === 'string' || Buffer.isBuffer(body)
  response
    .writeHead(code, { 'content-type': plain ? 'text/plain' : 'application/json', ...headers })
    .end(plain ? body : JSON.stringify(body))
}
