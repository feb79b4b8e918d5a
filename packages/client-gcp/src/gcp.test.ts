import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectionFault, type Logger } from '@talon/plugin'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ACCOUNT, PROJECT, startGoogle } from '../testing/google.ts'
import { loadedBy } from '../testing/loaded.ts'
import { gcp, type Gcp, type GcpRequest } from './index.ts'
import { networkAdvice } from './network.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} }
let google: Awaited<ReturnType<typeof startGoogle>>
let folder: string
const opened: Gcp[] = []
beforeEach(async () => {
  google = await startGoogle()
  folder = mkdtempSync(join(tmpdir(), 'talon-gcp-'))
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined)
  // Nothing of this machine is asked: neither gcloud's own files nor a metadata server.
  vi.stubEnv('CLOUDSDK_CONFIG', folder)
  vi.stubEnv('GCE_METADATA_HOST', new URL(google.url).host)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(opened.splice(0).map((client) => client.close()))
  await google.close()
  rmSync(folder, { recursive: true })
})

const signal = () => new AbortController().signal
async function open(settings: object = {}): Promise<Gcp> {
  const client = await gcp.open(gcp.settings.parse(settings), { log })
  opened.push(client)
  return client
}
const withAccount = (over: object = {}) =>
  open({ credentials_path: google.writeCredentials(join(folder, 'key.json'), over) })
const ask = (client: Gcp, over: Partial<GcpRequest> = {}) =>
  client.send({
    purpose: 'it failed',
    url: `${google.url}/v2/projects/${PROJECT}/locations/us-central1/functions/isolate`,
    method: 'GET',
    signal: signal(),
    ...over,
  })
const tokens = () => google.asked.filter(({ path }) => path === '/token').length

describe('credentials', () => {
  it('of a service account give a token by a signed assertion, asked for once', async () => {
    const client = await withAccount()
    expect((await ask(client)).status).toBe(200)
    expect((await ask(client)).status).toBe(200)
    expect(tokens()).toBe(1)
    expect(await client.project(signal())).toBe(PROJECT)
  })

  it('are found by the environment, as the library does', async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', google.writeCredentials(join(folder, 'key.json')))
    expect((await ask(await open())).status).toBe(200)
  })

  it('are those of the metadata server where there is nothing else', async () => {
    vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present')
    const client = await open()
    expect((await ask(client)).status).toBe(200)
    expect(await client.project(signal())).toBe(PROJECT)
    expect(
      (await ask(client, { url: google.functionUrl, token: await client.idToken(google.functionUrl, signal()) }))
        .status,
    ).toBe(200)
    expect(tokens()).toBe(0)
  })

  it('of a user give a token', async () => {
    const user = { type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'refresh-1' }
    const path = join(folder, 'user.json')
    writeFileSync(path, JSON.stringify({ ...user, token_uri: `${google.url}/token` }))
    expect((await ask(await open({ credentials_path: path }))).status).toBe(200)
  })

  it('of another provider give tokens of the account that they stand for, identity tokens too', async () => {
    writeFileSync(join(folder, 'token'), 'token-of-elsewhere')
    const account = `${google.url}/v1/projects/-/serviceAccounts/${ACCOUNT}`
    const federation = {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${google.url}/sts`,
      service_account_impersonation_url: `${account}:generateAccessToken`,
      credential_source: { file: join(folder, 'token') },
    }
    writeFileSync(join(folder, 'federation.json'), JSON.stringify(federation))
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(folder, 'federation.json'))
    const client = await open()
    expect((await ask(client)).status).toBe(200)
    const token = await client.idToken(google.functionUrl, signal())
    expect((await ask(client, { url: google.functionUrl, token })).status).toBe(200)
  })

  it('give an identity token for one audience', async () => {
    const client = await withAccount()
    const token = await client.idToken(google.functionUrl, signal())
    expect((await ask(client, { url: google.functionUrl, token })).body).toBe('did 0')
    await expect(ask(client, { url: `${google.url}/run/other`, token })).rejects.toThrow('401')
  })

  it('take the project of the settings before their own', async () => {
    const client = await open({
      credentials_path: google.writeCredentials(join(folder, 'key.json')),
      project: 'other-1',
    })
    expect(await client.project(signal())).toBe('other-1')
  })

  it('are asked for anew where a token is refused: the next try is another one', async () => {
    const client = await withAccount()
    await ask(client)
    google.answer(/^\/v2/, { status: 401, body: { error: { message: 'expired' } } })
    await expect(ask(client)).rejects.toMatchObject({
      retryable: true,
      message:
        'it failed: 401 Unauthorized: expired; the credentials were not taken: they expired or were revoked; see gcp.credentials_path',
    })
    expect((await ask(client)).status).toBe(200)
    expect(tokens()).toBe(2)
  })

  it.each([
    ['nowhere', undefined, 'cannot be read'],
    ['half', '{"private_key": "secret-1"', 'is no credentials file'],
    ['list', '["secret-1"]', 'is no credentials file'],
  ])('are refused at the start where the file is %s, and show nothing of it', async (_, text, words) => {
    const path = join(folder, 'wrong.json')
    if (text !== undefined) writeFileSync(path, text)
    const refused = await open({ credentials_path: path }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ kind: 'config', message: expect.stringContaining(words) as string })
    expect(String(refused)).not.toContain('secret-1')
  })
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
    const refused = await ask(await withAccount(over)).catch((error: unknown) => error)
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
    google.answer(/^\/token/, { status: 400, body: { error: 'invalid_grant', error_description } })
    await expect(ask(await withAccount())).rejects.toThrow(words)
  })

  it('tells by how much the clock here is off', async () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString()
    google.answer(/^\/token/, {
      status: 400,
      headers: { date },
      body: { error: 'invalid_grant', error_description: 'Invalid JWT' },
    })
    await expect(ask(await withAccount())).rejects.toThrow(/the clock here is 3(599|600|601) s ahead: synchronise it/)
  })

  it('is worth another try where the other side is busy, and is left to core', async () => {
    google.answer(/^\/token/, { status: 503, body: { error: 'busy' } })
    await expect(ask(await withAccount())).rejects.toMatchObject({ retryable: true })
    expect(tokens()).toBe(1)
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
    const token_uri = url === 'https' ? `${google.url.replace('http', 'https')}/token` : url
    const message = expect.stringMatching(words) as string
    await expect(ask(await withAccount({ token_uri }))).rejects.toMatchObject({ message, retryable })
  })

  it('is said to need credentials where there are none', async () => {
    vi.stubEnv('METADATA_SERVER_DETECTION', 'none')
    await expect(ask(await open())).rejects.toThrow('there are no credentials: set gcp.credentials_path')
  })

  it('is not waited for any longer than the run', async () => {
    google.answer(/^\/token/, { status: 200, after: 120_000 })
    const ending = new AbortController()
    const asking = ask(await withAccount(), { signal: ending.signal })
    await vi.waitFor(() => expect(tokens()).toBe(1), { timeout: 20_000 })
    ending.abort(new Error('Talon is stopping'))
    await expect(asking).rejects.toThrow('Talon is stopping')
  })
})

describe('a refusal', () => {
  it.each([
    [429, { 'retry-after': '7' }, {}, { retryable: true, retryAfter: 7000 }],
    [503, {}, {}, { retryable: true }],
    [403, {}, { error: { message: 'no', errors: [{ reason: 'rateLimitExceeded' }] } }, { retryable: true }],
    [
      403,
      {},
      { error: { message: "Permission 'x' denied" } },
      { retryable: false, message: expect.stringContaining("Permission 'x' denied; grant") as string },
    ],
    [
      301,
      { location: 'http://elsewhere/' },
      '',
      { retryable: false, message: expect.stringContaining('not followed') as string },
    ],
  ])('of %i with %j and %j says what it is', async (status, headers, body, error) => {
    google.answer(/^\/v2/, { status, headers, body })
    await expect(ask(await withAccount())).rejects.toMatchObject(error)
  })

  it('repeats a bounded part of the answer, on one line', async () => {
    google.answer(/^\/v2/, { status: 400, body: `one\ntwo\u001b[31m${'x'.repeat(100_000)}` })
    const refused = (await ask(await withAccount()).catch((error: unknown) => error)) as Error
    expect(refused.message).toMatch(/^it failed: 400 Bad Request: one two \[31mx+…$/)
    expect(refused.message.length).toBeLessThan(500)
  })

  it('of the connection is worth another try', async () => {
    await expect(ask(await withAccount(), { url: 'http://127.0.0.1:1/', token: false })).rejects.toMatchObject({
      retryable: true,
    })
  })

  it.each([
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'NODE_EXTRA_CA_CERTS', false],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'NODE_EXTRA_CA_CERTS', false],
    ['CERT_HAS_EXPIRED', 'the clock here is off', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'for another name', false],
    ['UND_ERR_CONNECT_TIMEOUT', 'firewalls', true],
    ['EAI_AGAIN', 'check the DNS', true],
    ['ECONNRESET', '', true],
  ])('of the network, %s, says what to do', (code, words, retryable) => {
    const { advice, ...rest } = networkAdvice(connectionFault({ code }))
    expect([advice, rest]).toEqual([expect.stringContaining(words), { retryable }])
  })

  it('is silence too, and worth another try', async () => {
    google.answer(/^\/v2/, { status: 200, after: 120_000 })
    await expect(ask(await withAccount(), { silence: 100 })).rejects.toMatchObject({ retryable: true })
  })

  it('of what speaks no TLS is none, and says so', async () => {
    const server = createServer((socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\n')).listen(0, '127.0.0.1')
    await vi.waitFor(() => expect(server.listening).toBe(true))
    const { port } = server.address() as { port: number }
    await expect(ask(await withAccount(), { url: `https://127.0.0.1:${port}/`, token: false })).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('does not speak TLS') as string,
    })
    server.close()
  })
})

describe('the client', () => {
  it('is checked by asking for a token', async () => {
    await expect((await withAccount()).check(signal())).resolves.toBeUndefined()
    google.answer(/^\/token/, { status: 400, body: { error: 'invalid_grant', error_description: 'account not found' } })
    await expect((await withAccount()).check(signal())).rejects.toThrow('account is gone')
  })

  it.each(['http://127.0.0.1:4443/', '127.0.0.1:4443'])('sends no token to the emulator at %s', async (host) => {
    vi.stubEnv('STORAGE_EMULATOR_HOST', host.replace('4443', new URL(google.url).port))
    const client = await open({ storage_endpoint: 'https://storage.example.com' })
    expect(client.endpoints.storage).toBe(google.url)
    google.answer(/^\/storage/, { status: 200 })
    await ask(client, { url: `${client.endpoints.storage}/storage/v1/b` })
    expect(google.asked.map(({ path, authorization }) => [path, authorization])).toEqual([['/storage/v1/b', '']])
    await expect(client.check(signal())).resolves.toBeUndefined()
  })

  it('loads no library before it is opened', () => {
    const open = `const { gcp } = await import('@talon/client-gcp')
      await gcp.open(gcp.settings.parse({}), { log: console })`
    expect(loadedBy(`await import('@talon/client-gcp')`, import.meta.dirname)).toBe(0)
    expect(loadedBy(open, import.meta.dirname)).toBeGreaterThan(0)
  })
})
