import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { askedWith, MINUTE, openStand, passes, type Stand } from '../testing/stand.ts'
import { aws, awsFailure } from './index.ts'

let stand: Stand
beforeEach(async () => {
  stand = await openStand()
})

describe('credentials', () => {
  it('are those of the settings, before those of the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAOTHER')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'other')
    expect(await askedWith(await stand.open(stand.keys))).toBe(stand.mock.accessKey)
  })

  it("are found by the SDK's chain where the settings have none", async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', stand.mock.accessKey)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', stand.mock.secretKey)
    expect(await askedWith(await stand.open())).toBe(stand.mock.accessKey)
  })

  it('are read anew after a while, so that a file may be replaced', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    stand.mock.keys.set('AKIASECOND', { secret: 'second' })
    const write = (id: string, secret: string) =>
      writeFileSync(
        join(stand.folder, 'credentials'),
        `[default]\naws_access_key_id=${id}\naws_secret_access_key=${secret}\n`,
      )
    write(stand.mock.accessKey, stand.mock.secretKey)
    const client = await stand.open()
    expect(await askedWith(client)).toBe(stand.mock.accessKey)
    write('AKIASECOND', 'second')
    passes(2 * MINUTE)
    expect(await askedWith(client)).toBe('AKIASECOND')
  })

  it('come from the service account of the pod (IRSA), whose token is read each time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const [role, file] = ['arn:aws:iam::111122223333:role/irsa', join(stand.folder, 'token')]
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', file)
    vi.stubEnv('AWS_ROLE_ARN', role)
    writeFileSync(file, 'first')
    stand.mock.roles.set(role, { webIdentity: 'first', seconds: 3600 })
    const client = await stand.open()
    const first = await askedWith(client)
    expect(first).toMatch(/^ASIA/)
    writeFileSync(file, 'second')
    stand.mock.roles.set(role, { webIdentity: 'second', seconds: 3600 })
    passes(56 * MINUTE)
    await askedWith(client)
    expect(await askedWith(client)).not.toBe(first)
  })

  it.each([
    ['is refused', 'wrong', /InvalidIdentityToken\w*: .*; register the cluster's OIDC provider/],
    ['is missing', undefined, /ENOENT: .*\/token/],
  ])('say so, and blame no other right, where that token %s', async (_, token, words) => {
    const [role, file] = ['arn:aws:iam::111122223333:role/irsa', join(stand.folder, 'token')]
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', file)
    vi.stubEnv('AWS_ROLE_ARN', role)
    if (token) writeFileSync(file, token)
    stand.mock.roles.set(role, { webIdentity: 'right', seconds: 3600 })
    const error: unknown = await askedWith(await stand.open()).catch((error: unknown) => error)
    const { message } = awsFailure(error, 'storing', 's3:PutObject')
    expect(message).toMatch(/^the chain of the SDK gives no credentials: /)
    expect(message).toMatch(words)
    expect(message).not.toContain('s3:PutObject')
  })

  it('come from the agent of EKS Pod Identity', async () => {
    const seen: unknown[] = []
    stand.mock.keys.set('ASIAPOD', { secret: 'of the pod', token: 'session' })
    const agent = createServer(({ headers }, response) => {
      seen.push(headers.authorization)
      const Expiration = new Date(Date.now() + 60 * MINUTE).toISOString()
      response.end(
        JSON.stringify({ AccessKeyId: 'ASIAPOD', SecretAccessKey: 'of the pod', Token: 'session', Expiration }),
      )
    }).listen(0, '127.0.0.1')
    await once(agent, 'listening')
    onTestFinished(() => void agent.close())
    writeFileSync(join(stand.folder, 'token'), 'of the service account')
    vi.stubEnv(
      'AWS_CONTAINER_CREDENTIALS_FULL_URI',
      `http://127.0.0.1:${(agent.address() as AddressInfo).port}/v1/credentials`,
    )
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', join(stand.folder, 'token'))
    const client = await stand.open()
    expect(await Promise.all([askedWith(client), askedWith(client)])).toEqual(['ASIAPOD', 'ASIAPOD'])
    expect(seen).toEqual(['of the service account'])
  })

  it.each([
    [{ access_key: 'x' }, 'belong together'],
    [{ external_id: 'x' }, 'set role_arn too'],
  ])('are not taken by halves: %j', (settings, words) => {
    expect(() => aws.settings.parse(settings)).toThrow(words)
  })
})
