import type { Answer, Message } from './messages.ts'
import type { Sealer } from './seal.ts'

/** Where servers take messages of each other. */
export const PATH = '/-/replicas'

/** Where the server of this address takes messages: what they are sealed for. */
export const endpointOf = (address: string) => new URL(PATH, address).href

/** Milliseconds for one message. */
const TIMEOUT = 5000

/** Bytes of an answer: it has a word for each entry. */
const MAX_ANSWER = 2 ** 20

/** Sends a message to another server. @throws where it cannot be reached, or does not share the secret. */
export type Link = (address: string, message: Message, signal: AbortSignal) => Promise<Answer>

export function createLink(sealer: Sealer): Link {
  return async (address, message, signal) => {
    const body = JSON.stringify(message)
    const endpoint = endpointOf(address)
    const seal = sealer.seal(endpoint, body)
    const response = await fetch(endpoint, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...seal },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
    })
    const text = await textOf(response, address)
    if (!response.ok)
      throw new Error(
        `${address} answered ${response.status}: do both servers have the same secret, and clocks that agree?`,
      )
    if (!sealer.isAnswer(seal['talon-nonce'], text, response.headers.get('talon-seal') ?? undefined))
      throw new Error(`${address} does not share the secret of this server`)
    return JSON.parse(text) as Answer
  }
}

/** Whoever answers is known only after all of it was read. */
async function textOf({ body }: Response, address: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > MAX_ANSWER) throw new Error(`${address} answers more than another server of Talon would`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
