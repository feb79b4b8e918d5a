import { createHmac } from 'node:crypto'
import type { AuthClient, Role } from '@talon/core'
import { describe, expect, it } from 'vitest'
import { createAuth, type Shown } from './auth.ts'
import { openCredentials } from './credentials.ts'
import { Refusal } from './refusal.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const NOW = Date.UTC(2026, 0, 1)

const CLIENTS: AuthClient[] = [
  { name: 'falco', roles: ['send'], password: 'pass: word' },
  { name: 'prometheus', roles: ['read'], token: 'scrape-me' },
  { name: 'soc', roles: ['read', 'act'], token: 'act-now', expires: '2026-06-01T00:00:00Z' },
  { name: 'gone', roles: ['send', 'act'], token: 'old', expires: '2025-12-31T23:59:59Z' },
  { name: 'sidekick', roles: ['send', 'act'], secret: 'signing key' },
  { name: 'node', roles: ['send'], certificate: 'falco.node-1' },
]

async function open(clients = CLIENTS, most?: number) {
  let time = NOW
  const { known } = await openCredentials(clients, quiet)
  const auth = createAuth(
    () => known,
    () => time,
    most,
  )
  /** The status that a request gets: 200 where it is let in. */
  const ask = (role: Role, headers: Readonly<Record<string, string>>, more: Partial<Shown> = {}) => {
    try {
      auth.demand(role, { header: (name) => headers[name], ...more })
      return 200
    } catch (error) {
      return error instanceof Refusal ? error.status : 0
    }
  }
  return { ask, skip: (by: number) => void (time += by), auth }
}

const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const sign = (body: string, secret = 'signing key', at = NOW) => {
  const t = Math.floor(at / 1000)
  return { 'x-talon-signature': `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}` }
}
const certificate = (CN: string, subjectaltname = '') => ({ certificate: { subject: { CN }, subjectaltname } as never })

describe('who shows the right thing', () => {
  it.each<[string, Role, Readonly<Record<string, string>>, Partial<Shown>]>([
    ['a password', 'send', basic('falco', 'pass: word'), {}],
    ['a token', 'read', bearer('scrape-me'), {}],
    ['a token of another role', 'act', bearer('act-now'), {}],
    ['a signature', 'send', sign('{}'), { body: '{}' }],
    ['a common name', 'send', {}, certificate('falco.node-1')],
    ['a DNS name', 'send', {}, certificate('x', 'DNS:other, DNS:falco.node-1')],
  ])('is let in by %s', async (_, role, headers, more) => {
    expect((await open()).ask(role, headers, more)).toBe(200)
  })
})

describe('who shows the wrong thing', () => {
  it.each<[string, Role, Readonly<Record<string, string>>, Partial<Shown>, number]>([
    ['nothing', 'send', {}, {}, 401],
    ['a wrong password', 'send', basic('falco', 'password'), {}, 401],
    ["another's password", 'send', basic('sidekick', 'pass: word'), {}, 401],
    ['a name without a password', 'send', basic('sidekick', ''), {}, 401],
    ['no base64', 'send', { authorization: 'Basic ???' }, {}, 401],
    ['a wrong token', 'read', bearer('scrape'), {}, 401],
    ['an expired token', 'send', bearer('old'), {}, 401],
    ['a signature of another body', 'send', sign('{}'), { body: '{ }' }, 401],
    ['a signature by another key', 'send', sign('{}', 'guess'), { body: '{}' }, 401],
    ['an old signature', 'send', sign('{}', 'signing key', NOW - 301_000), { body: '{}' }, 401],
    ['a signature from the future', 'send', sign('{}', 'signing key', NOW + 301_000), { body: '{}' }, 401],
    ['no signature at all', 'send', { 'x-talon-signature': 'v1' }, { body: '{}' }, 401],
    ['another certificate', 'send', {}, certificate('falco.node-2', 'DNS:evil, URI:falco.node-11'), 401],
    ['a token that may not send', 'send', bearer('scrape-me'), {}, 403],
    ['a token that may not act', 'act', bearer('scrape-me'), {}, 403],
    ['a signature for more than sending', 'act', sign(''), { body: '' }, 403],
  ])('is turned away: %s', async (_, role, headers, more, status) => {
    expect((await open()).ask(role, headers, more)).toBe(status)
  })
})

it('takes a signed event once, and a client until it expires', async () => {
  const { ask, skip } = await open()
  const headers = sign('{}')
  expect([ask('send', headers, { body: '{}' }), ask('send', headers, { body: '{}' })]).toEqual([200, 401])
  expect(ask('act', bearer('act-now'))).toBe(200)
  skip(200 * 24 * 3600 * 1000)
  expect(ask('act', bearer('act-now'))).toBe(401)
})

it('takes a signed event again that was not accepted, or that its client might not send', async () => {
  const readers: AuthClient[] = [{ name: 'reader', roles: ['read'], secret: 'signing key' }]
  const { auth } = await open()
  const shown = { header: (name: string) => sign('{}')[name as never], body: '{}' }
  auth.demand('send', shown).takeBack()
  auth.demand('send', shown)
  expect(() => auth.demand('send', shown)).toThrow(/nobody is known/)
  const { ask } = await open(readers)
  for (const _ of [1, 2]) expect(ask('send', sign('{}'), { body: '{}' })).toBe(403)
})

it('is taken for nobody where a signature is used up, but for who has another way to prove himself', async () => {
  const { ask } = await open()
  for (const status of [200, 200])
    expect(ask('send', { ...sign('{}'), ...basic('falco', 'pass: word') }, { body: '{}' })).toBe(status)
  expect(ask('send', sign('{}'), { body: '{}' })).toBe(200)
})

it('remembers a signature as long as it is fresh, and no longer; where it is too much, that is told as such', async () => {
  const { ask, skip } = await open(CLIENTS, 2)
  expect(['1', '2', '3'].map((body) => ask('send', sign(body), { body }))).toEqual([200, 200, 503])
  skip(300_000)
  expect(['1', '3'].map((body) => ask('send', sign(body), { body }))).toEqual([401, 503])
  skip(1000)
  expect(ask('send', sign('more', 'signing key', NOW + 301_000), { body: 'more' })).toBe(200)
})

it('says how to prove oneself, and not who there is', async () => {
  const { auth } = await open()
  const refusal = (() => {
    try {
      auth.demand('send', { header: () => undefined })
      return undefined
    } catch (error) {
      return error as Refusal
    }
  })()
  expect(refusal?.headers['www-authenticate']).toContain('Basic')
  expect(refusal?.message).not.toMatch(/falco|prometheus|soc/)
})

it('asks nobody where there are no clients', async () => {
  expect((await open([])).auth.required).toBe(false)
})
