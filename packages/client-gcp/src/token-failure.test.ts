import { generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { openStand, type Stand } from '../testing/stand.ts'

let stand: Stand
beforeEach(async () => {
  stand = await openStand()
})

describe('a token that cannot be had', () => {
  const { privateKey: otherKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })

  it.each([
    ['a replaced key', { private_key: otherKey }, 'make a new one'],
    [
      'a key that is none',
      { private_key: '-----BEGIN PRIVATE KEY-----\nsecret-1\n-----END PRIVATE KEY-----\n' },
      'make a new key',
    ],
  ])('says what to do about %s', async (_, over, words) => {
    const refused = await stand.ask(await stand.withAccount(over)).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      kind: 'action',
      retryable: false,
      message: expect.stringContaining(words) as string,
    })
    expect(String(refused)).not.toContain('secret-1')
  })

  it.each([
    ['account not found', 'enable it, or use another'],
    ['Token has been expired or revoked.', 'sign in again'],
    ['Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.', 'synchronise it'],
  ])('says what to do where the answer is "%s"', async (error_description, words) => {
    stand.google.answer(/^\/token/, { status: 400, body: { error: 'invalid_grant', error_description } })
    await expect(stand.ask(await stand.withAccount())).rejects.toThrow(words)
  })

  it('tells by how much the clock here is off', async () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString()
    stand.google.answer(/^\/token/, {
      status: 400,
      headers: { date },
      body: { error: 'invalid_grant', error_description: 'Invalid JWT' },
    })
    await expect(stand.ask(await stand.withAccount())).rejects.toThrow(
      /the clock here is 3(599|600|601) s ahead: synchronise it/,
    )
  })

  it('is worth another try where the other side is busy, and is left to core', async () => {
    stand.google.answer(/^\/token/, { status: 503, body: { error: 'busy' } })
    await expect(stand.ask(await stand.withAccount())).rejects.toMatchObject({ retryable: true })
    expect(stand.tokens()).toBe(1)
  })

  it.each([
    ['http://127.0.0.1:1/token', /http:\/\/127.0.0.1:1 did not answer: ECONNREFUSED/, true],
    [
      'https://nowhere.invalid/token',
      /https:\/\/nowhere.invalid did not answer: (ENOTFOUND|EAI_AGAIN); its name is/,
      true,
    ],
    ['https', /it does not speak TLS/, false],
  ])('says that %s cannot be reached', async (url, words, retryable) => {
    const token_uri = url === 'https' ? `${stand.google.url.replace('http', 'https')}/token` : url
    const message = expect.stringMatching(words) as string
    await expect(stand.ask(await stand.withAccount({ token_uri }))).rejects.toMatchObject({ message, retryable })
  })

  it('is said to need credentials where there are none', async () => {
    vi.stubEnv('METADATA_SERVER_DETECTION', 'none')
    await expect(stand.ask(await stand.open())).rejects.toThrow('there are no credentials: set gcp.credentials_path')
  })

  it('is not waited for any longer than the run', async () => {
    stand.google.answer(/^\/token/, { status: 200, after: 120_000 })
    const ending = new AbortController()
    const asking = stand.ask(await stand.withAccount(), { signal: ending.signal })
    await vi.waitFor(() => expect(stand.tokens()).toBe(1), { timeout: 20_000 })
    ending.abort(new Error('Talon is stopping'))
    await expect(asking).rejects.toThrow('Talon is stopping')
  })
})
