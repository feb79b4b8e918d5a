import { createHmac, timingSafeEqual } from 'node:crypto'
import type { PeerCertificate } from 'node:tls'
import type { Role } from '@talon/core'
import { digest, type Known } from './credentials.ts'
import { Refusal } from './refusal.ts'

/** What a request shows of who sent it. */
export interface Shown {
  readonly header: (name: string) => string | undefined
  /** The client's certificate, where the server's CA signed it. */
  readonly certificate?: PeerCertificate | undefined
  /** Of an event: only events are signed. */
  readonly body?: string
}

/** What was let in. */
export interface Admitted {
  /** It was not served: the same signature is taken again. */
  takeBack(): void
}

/** Lets requests in by who sends them. Without clients everybody may send, and nobody may act from elsewhere. */
export interface Auth {
  /** Whether clients are configured. */
  readonly required: boolean
  /** @throws Refusal 401 where nobody is known by it, 403 where he may not, 503 where too many signatures are remembered. */
  demand(role: Role, shown: Shown): Admitted
}

/** Milliseconds that a signature is good for, before and after. */
const FRESH = 300_000
const MOST = 200_000
const CHALLENGE = { 'www-authenticate': 'Basic realm="talon", charset="UTF-8", Bearer realm="talon"' }
const NOT_SIGNED: Admitted = { takeBack() {} }

/**
 * @param now epoch milliseconds
 * @param most signatures that are remembered at once; more are refused
 */
export function createAuth(known: () => readonly Known[], now: () => number = Date.now, most = MOST): Auth {
  const seen = new Map<string, number>()

  function demand(role: Role, shown: Shown): Admitted {
    const proves = proofOf(shown)
    const signature = signatureOf(shown, now())
    // Every client is compared with, whoever it is: how long it takes tells nothing.
    const all = known()
      .flatMap((client) => {
        if (proves(client)) return [{ ...client, signed: false }]
        // A signature is for events: it lets nothing else.
        return signature?.isBy(client.secret)
          ? [{ ...client, roles: client.roles.filter((role) => role === 'send'), signed: true }]
          : []
      })
      .filter(({ expires }) => expires > now())
    if (!all.length) throw stranger()
    const able = all.filter(({ roles }) => roles.includes(role))
    if (!able.length)
      throw new Refusal(403, 'not_allowed', `${all[0]?.name} may not ${role}: see its roles in auth.clients`)
    return signature && able.every(({ signed }) => signed) ? useUp(signature) : NOT_SIGNED
  }

  /** A signed event is taken once: who overhears it cannot send it again. */
  function useUp({ text, until }: Signature): Admitted {
    for (const [old, until] of seen) {
      if (until > now()) break
      seen.delete(old)
    }
    if (seen.has(text)) throw stranger()
    if (seen.size >= most)
      throw new Refusal(503, 'full', 'too many signed events in five minutes: try again', { 'retry-after': '5' })
    seen.set(text, until)
    return { takeBack: () => void seen.delete(text) }
  }

  return {
    get required() {
      return known().length > 0
    },
    demand,
  }
}

const stranger = () =>
  new Refusal(401, 'not_known', 'nobody is known by what was sent: see auth.clients of the server', CHALLENGE)

/** Whether a client's password, token or certificate is shown. */
function proofOf({ header, certificate }: Shown): (client: Known) => boolean {
  const authorization = header('authorization') ?? ''
  const basic = basicOf(authorization)
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  const names = certificate ? namesOf(certificate) : []
  return (client) => {
    const byPassword = basic?.name === client.name && equal(digest(basic.password), client.password)
    const byToken = token !== undefined && equal(digest(token), client.token)
    const byName = client.certificate !== undefined && names.includes(client.certificate)
    return byPassword || byToken || byName
  }
}

function basicOf(authorization: string): { name: string; password: string } | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

interface Signature {
  readonly text: string
  /** Epoch milliseconds when it is good for nothing any more. */
  readonly until: number
  isBy(secret: string | undefined): boolean
}

/** The form in which Talon's own webhook signs: `t=<unix seconds>,v1=<hex>`, over `<t>.<body>`. */
function signatureOf({ header, body }: Shown, now: number): Signature | undefined {
  const text = header('x-talon-signature') ?? ''
  const [, time, given] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(text) ?? []
  if (body === undefined || time === undefined || given === undefined) return undefined
  const at = Number(time) * 1000
  if (Math.abs(now - at) > FRESH) return undefined
  return {
    text,
    until: at + FRESH + 1,
    isBy: (secret) =>
      secret !== undefined &&
      equal(Buffer.from(given, 'hex'), createHmac('sha256', secret).update(`${time}.${body}`).digest()),
  }
}

function namesOf({ subject, subjectaltname = '' }: PeerCertificate): string[] {
  const alternatives = subjectaltname.split(', ').map((one) => one.replace(/^(DNS|URI):/, ''))
  return [subject?.CN ?? [], alternatives].flat()
}

function equal(given: Buffer, right: Buffer | undefined): boolean {
  return (
    timingSafeEqual(given, right?.length === given.length ? right : Buffer.alloc(given.length)) && right !== undefined
  )
}
