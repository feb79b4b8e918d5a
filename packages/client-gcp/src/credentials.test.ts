import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ACCOUNT, PROJECT } from '../testing/google.ts'
import { openStand, signal, type Stand } from '../testing/stand.ts'

let stand: Stand
beforeEach(async () => {
  stand = await openStand()
})

describe('credentials', () => {
  it('of a service account give a token by a signed assertion, asked for once', async () => {
    const client = await stand.withAccount()
    expect((await stand.ask(client)).status).toBe(200)
    expect((await stand.ask(client)).status).toBe(200)
    expect(stand.tokens()).toBe(1)
    expect(await client.project(signal())).toBe(PROJECT)
  })

  it('are found by the environment, as the library does', async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', stand.google.writeCredentials(join(stand.folder, 'key.json')))
    expect((await stand.ask(await stand.open())).status).toBe(200)
  })

  it('are those of the metadata server where there is nothing else', async () => {
    vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present')
    const client = await stand.open()
    expect((await stand.ask(client)).status).toBe(200)
    expect(await client.project(signal())).toBe(PROJECT)
    expect(
      (
        await stand.ask(client, {
          url: stand.google.functionUrl,
          token: await client.idToken(stand.google.functionUrl, signal()),
        })
      ).status,
    ).toBe(200)
    expect(stand.tokens()).toBe(0)
  })

  it('of a user give a token', async () => {
    const user = { type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'refresh-1' }
    const path = join(stand.folder, 'user.json')
    writeFileSync(path, JSON.stringify({ ...user, token_uri: `${stand.google.url}/token` }))
    expect((await stand.ask(await stand.open({ credentials_path: path }))).status).toBe(200)
  })

  it('of another provider give tokens of the account that they stand for, identity tokens too', async () => {
    writeFileSync(join(stand.folder, 'token'), 'token-of-elsewhere')
    const account = `${stand.google.url}/v1/projects/-/serviceAccounts/${ACCOUNT}`
    const federation = {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${stand.google.url}/sts`,
      service_account_impersonation_url: `${account}:generateAccessToken`,
      credential_source: { file: join(stand.folder, 'token') },
    }
    writeFileSync(join(stand.folder, 'federation.json'), JSON.stringify(federation))
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(stand.folder, 'federation.json'))
    const client = await stand.open()
    expect((await stand.ask(client)).status).toBe(200)
    const token = await client.idToken(stand.google.functionUrl, signal())
    expect((await stand.ask(client, { url: stand.google.functionUrl, token })).status).toBe(200)
  })

  it('give an identity token for one audience', async () => {
    const client = await stand.withAccount()
    const token = await client.idToken(stand.google.functionUrl, signal())
    expect((await stand.ask(client, { url: stand.google.functionUrl, token })).body).toBe('did 0')
    await expect(stand.ask(client, { url: `${stand.google.url}/run/other`, token })).rejects.toThrow('401')
  })

  it('take the project of the settings before their own', async () => {
    const client = await stand.open({
      credentials_path: stand.google.writeCredentials(join(stand.folder, 'key.json')),
      project: 'other-1',
    })
    expect(await client.project(signal())).toBe('other-1')
  })

  it('are asked for anew where a token is refused: the next try is another one', async () => {
    const client = await stand.withAccount()
    await stand.ask(client)
    stand.google.answer(/^\/v2/, { status: 401, body: { error: { message: 'expired' } } })
    await expect(stand.ask(client)).rejects.toMatchObject({
      retryable: true,
      message:
        'it failed: 401 Unauthorized: expired; the credentials were not taken: they expired or were revoked; see gcp.credentials_path',
    })
    expect((await stand.ask(client)).status).toBe(200)
    expect(stand.tokens()).toBe(2)
  })

  it.each([
    ['nowhere', undefined, 'cannot be read'],
    ['half', '{"private_key": "secret-1"', 'is no credentials file'],
    ['list', '["secret-1"]', 'is no credentials file'],
  ])('are refused at the start where the file is %s, and show nothing of it', async (_, text, words) => {
    const path = join(stand.folder, 'wrong.json')
    if (text !== undefined) writeFileSync(path, text)
    const refused = await stand.open({ credentials_path: path }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ kind: 'config', message: expect.stringContaining(words) as string })
    expect(String(refused)).not.toContain('secret-1')
  })
})
