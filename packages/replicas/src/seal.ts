import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'

/** What a message is sealed with, as headers. */
export interface Seal {
  /** Epoch milliseconds. */
  readonly 'talon-time': string
  readonly 'talon-nonce': string
  /** SHA-256 of the body, hexadecimal. */
  readonly 'talon-digest': string
  /** HMAC-SHA256 over the recipient and the three above, hexadecimal. */
  readonly 'talon-seal': string
}

/** A message whose headers are in order. */
export interface Sealed {
  readonly nonce: string
  /** Whether this is the body that was sealed. */
  holds(body: string): boolean
}

/** Milliseconds that the clocks of two servers may differ. A message that is older may be a replayed one. */
const SKEW = 60_000
/** Milliseconds that two readings of a clock differ by. */
const ROUNDING = 10
/** Nonces that are remembered; more within the time of one skew is a flood, and refused. */
const NONCES = 100_000

/** Seals messages between servers that share a secret, and opens them. Both sides of a call are sealed. */
export interface Sealer {
  /** @param to the URL that it is sent to: nobody else opens it */
  seal(to: string, body: string): Seal
  /**
   * What the headers say, before a byte of the body is read. Undefined where it was not sealed with the same secret for
   * this URL a moment ago, or was opened before.
   */
  open(to: string, header: (name: string) => string | undefined): Sealed | undefined
  /** Seals the answer to a message, bound to it. */
  answer(nonce: string, body: string): string
  isAnswer(nonce: string, body: string, seal: string | undefined): boolean
}

/** The clocks of a sealer. */
export interface SealerClocks {
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Milliseconds of a clock that is never set back. */
  readonly monotonic: () => number
}

const CLOCKS: SealerClocks = { now: Date.now, monotonic: () => performance.now() }

export function createSealer(secret: string, { now, monotonic }: SealerClocks = CLOCKS): Sealer {
  const began = monotonic()
  const seen = new Map<string, number>()
  const mac = (...parts: string[]) => createHmac('sha256', secret).update(parts.join('\n')).digest('hex')
  const sha256 = (body: string) => createHash('sha256').update(body).digest('hex')
  const question = (to: string, time: string, nonce: string, digest: string) => mac('question', to, time, nonce, digest)
  const answer = (nonce: string, body: string) => mac('answer', nonce, sha256(body))

  /** What was sealed before this process began may have been opened by the one before it, at the same address. */
  function isFresh(time: number): boolean {
    const age = now() - time
    return Math.abs(age) <= SKEW && age <= monotonic() - began + ROUNDING
  }

  function isNew(nonce: string): boolean {
    for (const [old, until] of seen) {
      if (until > monotonic()) break
      seen.delete(old)
    }
    if (seen.has(nonce) || seen.size >= NONCES) return false
    seen.set(nonce, monotonic() + 2 * SKEW)
    return true
  }

  return {
    seal(to, body) {
      const [time, nonce, digest] = [String(now()), randomUUID(), sha256(body)]
      const seal = question(to, time, nonce, digest)
      return { 'talon-time': time, 'talon-nonce': nonce, 'talon-digest': digest, 'talon-seal': seal }
    },
    open(to, header) {
      const [time = '', nonce = '', digest = '', seal = ''] = NAMES.map(header)
      if (!isFresh(Number(time)) || !equal(seal, question(to, time, nonce, digest)) || !isNew(nonce)) return undefined
      return { nonce, holds: (body) => equal(sha256(body), digest) }
    },
    answer,
    isAnswer: (nonce, body, seal = '') => equal(seal, answer(nonce, body)),
  }
}

const NAMES = ['talon-time', 'talon-nonce', 'talon-digest', 'talon-seal'] as const satisfies (keyof Seal)[]

function equal(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
