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

/** Lets requests in by who sends them. Without clients everybody may send, and nobody may act from elsewhere. */
export interface Auth {
  /** Whether clients are configured. */
  readonly required: boolean
  /** @throws Refusal 401 where nobody is known by it, 403 where he may not. */
  demand(role: Role, shown: Shown): void
}

/** Milliseconds that a signature is good for, before and after. */
const FRESH = 300_000
/** Signatures that are remembered within that time; more are refused. */
const MOST = 200_000
const CHALLENGE = { 'www-authenticate': 'Basic realm="talon", charset="UTF-8", Bearer realm="talon"' }

/** @param now epoch milliseconds */
export function createAuth(known: () => readonly Known[], now: () => number = Date.now): Auth {
  const seen = new Map<string, number>()

  function demand(role: Role, shown: Shown): void {
    // Every client is compared with, whoever it is: how long it takes tells nothing.
    const all = identities(shown).filter(({ expires }) => expires > now())
    if (!all.length)
      throw new Refusal(401, 'not_known', 'nobody is known by what was sent: see auth.clients of the server', CHALLENGE)
    if (!all.some(({ roles }) => roles.includes(role)))
      throw new Refusal(403, 'not_allowed', `${all[0]?.name} may not ${role}: see its roles in auth.clients`)
  }

  function identities({ header, certificate, body }: Shown): Known[] {
    const authorization = header('authorization') ?? ''
    const basic = basicOf(authorization)
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    const names = certificate ? namesOf(certificate) : []
    const signed = body === undefined ? undefined : signatureOf(header('x-talon-signature'), body, now())
    return known().flatMap((client) => {
      const byPassword = basic && basic.name === client.name && equal(digest(basic.password), client.password)
      const byToken = token !== undefined && equal(digest(token), client.token)
      const byName = client.certificate !== undefined && names.includes(client.certificate)
      if (byPassword || byToken || byName) return [client]
      // A signature is for events: it lets nothing else.
      return signed?.(client.secret) && isNew(header('x-talon-signature') ?? '')
        ? [{ ...client, roles: client.roles.filter((role) => role === 'send') }]
        : []
    })
  }

  /** A signed event is taken once: who overhears it cannot send it again. */
  function isNew(signature: string): boolean {
    for (const [old, until] of seen) {
      if (until > now()) break
      seen.delete(old)
    }
    if (seen.has(signature) || seen.size >= MOST) return false
    seen.set(signature, now() + 2 * FRESH)
    return true
  }

  return {
    get required() {
      return known().length > 0
    },
    demand,
  }
}

function basicOf(authorization: string): { name: string; password: string } | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** The form in which Talon's own webhook signs: `t=<unix seconds>,v1=<hex>`, over `<t>.<body>`. */
function signatureOf(header: string | undefined, body: string, now: number) {
  const [, time, given] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header ?? '') ?? []
  if (time === undefined || given === undefined || Math.abs(now - Number(time) * 1000) > FRESH) return undefined
  return (secret: string | undefined) =>
    secret !== undefined &&
    equal(Buffer.from(given, 'hex'), createHmac('sha256', secret).update(`${time}.${body}`).digest())
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
