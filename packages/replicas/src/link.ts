import type { Answer, Message } from './messages.ts'
import type { Sealer } from './seal.ts'

/** Where servers take messages of each other. */
export const PATH = '/-/replicas'

/** Where the server of this address takes messages: what they are sealed for. */
export const endpointOf = (address: string) => new URL(PATH, address).href

/** Milliseconds for one message. */
const TIMEOUT = 5000

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
    const text = await response.text()
    if (!response.ok)
      throw new Error(
        `${address} answered ${response.status}: do both servers have the same secret, and clocks that agree?`,
      )
    if (!sealer.isAnswer(seal['talon-nonce'], text, response.headers.get('talon-seal') ?? undefined))
      throw new Error(`${address} does not share the secret of this server`)
    return JSON.parse(text) as Answer
  }
}
