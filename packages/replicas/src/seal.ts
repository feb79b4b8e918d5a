import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'

/** What a message is sealed with, as headers. */
export interface Seal {
  /** Epoch milliseconds. */
  readonly 'talon-time': string
  readonly 'talon-nonce': string
  /** HMAC-SHA256, hexadecimal. */
  readonly 'talon-seal': string
}

/** Milliseconds that the clocks of two servers may differ. A message that is older may be a replayed one. */
const SKEW = 60_000
/** Nonces that are remembered; more within the time of one skew is a flood, and refused. */
const NONCES = 100_000

/** Seals messages between servers that share a secret, and opens them. Both sides of a call are sealed. */
export interface Sealer {
  seal(body: string): Seal
  /** Whether it was sealed with the same secret, a moment ago, and is seen for the first time. */
  opens(body: string, header: (name: string) => string | undefined): boolean
  /** Seals the answer to a message, bound to it. */
  answer(nonce: string, body: string): string
  isAnswer(nonce: string, body: string, seal: string | undefined): boolean
}

export function createSealer(secret: string, now: () => number = Date.now): Sealer {
  const seen = new Map<string, number>()
  const mac = (...parts: string[]) => createHmac('sha256', secret).update(parts.join('\n')).digest('hex')
  const digest = (body: string) => createHash('sha256').update(body).digest('hex')
  const question = (time: string, nonce: string, body: string) => mac('question', time, nonce, digest(body))
  const answer = (nonce: string, body: string) => mac('answer', nonce, digest(body))

  function isNew(nonce: string): boolean {
    for (const [old, until] of seen) {
      if (until > now()) break
      seen.delete(old)
    }
    if (seen.has(nonce) || seen.size >= NONCES) return false
    seen.set(nonce, now() + 2 * SKEW)
    return true
  }

  return {
    seal(body) {
      const time = String(now())
      const nonce = randomUUID()
      return { 'talon-time': time, 'talon-nonce': nonce, 'talon-seal': question(time, nonce, body) }
    },
    opens(body, header) {
      const [time = '', nonce = '', seal = ''] = ['talon-time', 'talon-nonce', 'talon-seal'].map(header)
      if (!(Math.abs(now() - Number(time)) <= SKEW)) return false
      return equal(seal, question(time, nonce, body)) && isNew(nonce)
    },
    answer,
    isAnswer: (nonce, body, seal = '') => equal(seal, answer(nonce, body)),
  }
}

function equal(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
