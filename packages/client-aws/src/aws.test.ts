import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { ConfigError } from '@talon/plugin'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { z } from 'zod'
import { startAwsMock, type AwsMock } from '../../../apps/server-e2e/src/aws-mock.ts'
import { aws, awsFailure, type Aws, type AwsConfiguration } from './index.ts'

const never = new AbortController().signal
const log = { debug() {}, info() {}, warn() {}, error() {} }
const closing: (() => unknown)[] = []
let mock: AwsMock
let folder: string

beforeEach(async () => {
  mock = await startAwsMock()
  folder = mkdtempSync(join(tmpdir(), 'talon-aws-'))
  // Nothing of the machine that the tests run on: no credentials, no files, no metadata service.
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ENDPOINT_URL', mock.url)
  vi.stubEnv('AWS_ENDPOINT_URL_STS', mock.url)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'))
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
})
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
  vi.useRealTimers()
  vi.unstubAllEnvs()
  await mock.close()
  rmSync(folder, { recursive: true })
})

async function open(settings: z.input<typeof aws.settings> = {}): Promise<Aws> {
  const client = await aws.open(aws.settings.parse({ region: mock.region, ...settings }), { log })
  closing.push(() => client.close())
  return client
}
const keys = () => ({ access_key: mock.accessKey, secret_key: mock.secretKey })

/** Asks a service of AWS, and gives the access key that it was asked with. */
async function askedWith(client: Aws): Promise<string | undefined> {
  const sts = await client.service('sts', async () => STSClient)
  return (await sts.send(new GetCallerIdentityCommand({}))).UserId
}

function passes(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds)
}
const MINUTE = 60_000

describe('clients of the SDK', () => {
  it('are loaded when they are asked for, kept for each region, and closed with the client', async () => {
    const client = await open(keys())
    const loaded: string[] = []
    const destroyed: string[] = []
    class Service {
      readonly configuration: AwsConfiguration
      constructor(configuration: AwsConfiguration) {
        this.configuration = configuration
      }
      destroy() {
        destroyed.push(this.configuration.region ?? '')
      }
    }
    const service = (region?: string) => client.service('x', async () => (loaded.push('x'), Service), region)
    const [here, again, there] = await Promise.all([service(), service(), service('us-east-1')])
    expect(here).toBe(again)
    expect(here.configuration).toMatchObject({ region: mock.region, maxAttempts: 1 })
    expect(there.configuration.region).toBe('us-east-1')
    expect(loaded).toHaveLength(2)
    await client.close()
    expect(destroyed).toEqual([mock.region, 'us-east-1'])
  })

  it('have settings of their own beside the usual ones', async () => {
    const seen: AwsConfiguration[] = []
    class Service {
      constructor(configuration: AwsConfiguration) {
        seen.push(configuration)
      }
      destroy() {}
    }
    const more = { forcePathStyle: true, requestHandler: { socketTimeout: 7 } }
    await (await open(keys())).service('x', async () => Service, undefined, more)
    expect(seen).toMatchObject([
      { forcePathStyle: true, requestHandler: { socketTimeout: 7, connectionTimeout: 5000 } },
    ])
  })

  it('are asked for anew where they could not be loaded', async () => {
    const client = await open(keys())
    await expect(client.service('sts', () => Promise.reject(new Error('no module')))).rejects.toThrow('no module')
    expect(await askedWith(client)).toBe(mock.accessKey)
  })

  it('go through the proxy of the environment', async () => {
    const seen: string[] = []
    const proxy = createServer().listen(0, '127.0.0.1')
    proxy.on('connect', ({ url }, socket) => {
      seen.push(url ?? '')
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    })
    await once(proxy, 'listening')
    closing.push(() => proxy.close())
    vi.stubEnv('AWS_ENDPOINT_URL', undefined)
    vi.stubEnv('AWS_ENDPOINT_URL_STS', undefined)
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
    vi.stubEnv('NO_PROXY', '')
    await expect(askedWith(await open(keys()))).rejects.toThrow(/403/)
    expect(seen).toEqual([`sts.${mock.region}.amazonaws.com:443`])
  })
})

describe('credentials', () => {
  it('are those of the settings, before those of the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAOTHER')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'other')
    expect(await askedWith(await open(keys()))).toBe(mock.accessKey)
  })

  it("are found by the SDK's chain where the settings have none", async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', mock.accessKey)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', mock.secretKey)
    expect(await askedWith(await open())).toBe(mock.accessKey)
  })

  it('are read anew after a while, so that a file may be replaced', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    mock.keys.set('AKIASECOND', { secret: 'second' })
    const write = (id: string, secret: string) =>
      writeFileSync(
        join(folder, 'credentials'),
        `[default]\naws_access_key_id=${id}\naws_secret_access_key=${secret}\n`,
      )
    write(mock.accessKey, mock.secretKey)
    const client = await open()
    expect(await askedWith(client)).toBe(mock.accessKey)
    write('AKIASECOND', 'second')
    passes(2 * MINUTE)
    expect(await askedWith(client)).toBe('AKIASECOND')
  })

  it('come from the service account of the pod (IRSA), whose token is read each time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const [role, file] = ['arn:aws:iam::111122223333:role/irsa', join(folder, 'token')]
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', file)
    vi.stubEnv('AWS_ROLE_ARN', role)
    writeFileSync(file, 'first')
    mock.roles.set(role, { webIdentity: 'first', seconds: 3600 })
    const client = await open()
    const first = await askedWith(client)
    expect(first).toMatch(/^ASIA/)
    writeFileSync(file, 'second')
    mock.roles.set(role, { webIdentity: 'second', seconds: 3600 })
    passes(56 * MINUTE)
    await askedWith(client)
    expect(await askedWith(client)).not.toBe(first)
  })

  it.each([
    ['is refused', 'wrong', /InvalidIdentityToken\w*: .*; register the cluster's OIDC provider/],
    ['is missing', undefined, /ENOENT: .*\/token/],
  ])('say so, and blame no other right, where that token %s', async (_, token, words) => {
    const [role, file] = ['arn:aws:iam::111122223333:role/irsa', join(folder, 'token')]
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', file)
    vi.stubEnv('AWS_ROLE_ARN', role)
    if (token) writeFileSync(file, token)
    mock.roles.set(role, { webIdentity: 'right', seconds: 3600 })
    const error: unknown = await askedWith(await open()).catch((error: unknown) => error)
    const { message } = awsFailure(error, 'storing', 's3:PutObject')
    expect(message).toMatch(/^the chain of the SDK gives no credentials: /)
    expect(message).toMatch(words)
    expect(message).not.toContain('s3:PutObject')
  })

  it('come from the agent of EKS Pod Identity', async () => {
    const seen: unknown[] = []
    mock.keys.set('ASIAPOD', { secret: 'of the pod', token: 'session' })
    const agent = createServer(({ headers }, response) => {
      seen.push(headers.authorization)
      const Expiration = new Date(Date.now() + 60 * MINUTE).toISOString()
      response.end(
        JSON.stringify({ AccessKeyId: 'ASIAPOD', SecretAccessKey: 'of the pod', Token: 'session', Expiration }),
      )
    }).listen(0, '127.0.0.1')
    await once(agent, 'listening')
    closing.push(() => agent.close())
    writeFileSync(join(folder, 'token'), 'of the service account')
    vi.stubEnv(
      'AWS_CONTAINER_CREDENTIALS_FULL_URI',
      `http://127.0.0.1:${(agent.address() as AddressInfo).port}/v1/credentials`,
    )
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', join(folder, 'token'))
    const client = await open()
    expect(await Promise.all([askedWith(client), askedWith(client)])).toEqual(['ASIAPOD', 'ASIAPOD'])
    expect(seen).toEqual(['of the service account'])
  })

  it.each([
    [{ access_key: 'x' }, 'belong together'],
    [{ external_id: 'x' }, 'set role_arn too'],
  ])('are not taken by halves: %j', (settings, words) => {
    expect(() => aws.settings.parse(settings)).toThrow(words)
  })

  describe('of a role', () => {
    const role_arn = 'arn:aws:iam::111122223333:role/talon'
    const settings = () => ({ ...keys(), role_arn, external_id: 'tenant-7' })
    const sessions = () => mock.asked.filter(({ body }) => body.includes('Action=AssumeRole'))
    beforeEach(() => mock.roles.set(role_arn, { externalId: 'tenant-7', seconds: 3600 }))

    it('are asked for once by all who need them, with the external id', async () => {
      const client = await open(settings())
      const used = await Promise.all([askedWith(client), client.check(never), askedWith(client)])
      expect(used[0]).toMatch(/^ASIA/)
      expect(used[2]).toBe(used[0])
      expect(sessions().map(({ key }) => key)).toEqual([mock.accessKey])
    })

    it('are renewed before they end', async () => {
      vi.useFakeTimers({ toFake: ['Date'] })
      const client = await open(settings())
      const first = await askedWith(client)
      passes(54 * MINUTE)
      expect(await askedWith(client)).toBe(first)
      passes(2 * MINUTE)
      expect(await askedWith(client)).toMatch(/^ASIA/)
      expect(await askedWith(client)).not.toBe(first)
      expect(sessions()).toHaveLength(2)
    })

    it('are used to their end where they cannot be renewed', async () => {
      vi.useFakeTimers({ toFake: ['Date'] })
      const client = await open(settings())
      const first = await askedWith(client)
      mock.roles.delete(role_arn)
      passes(56 * MINUTE)
      expect(await askedWith(client)).toBe(first)
      passes(5 * MINUTE)
      await expect(askedWith(client)).rejects.toThrow('sts:AssumeRole')
    })

    it('are refused with what to do where the role does not trust us', async () => {
      const client = await open({ ...settings(), external_id: 'tenant-8' })
      const error = await askedWith(client).catch((error: unknown) => awsFailure(error, 'storing', 's3:PutObject'))
      expect(error).toMatchObject({ kind: 'action', retryable: false })
      expect((error as Error).message).toMatch(
        /^assuming the role arn:\S+ \(aws.role_arn\) failed: AccessDenied: User.* \(request [\w-]+\); let the role's trust policy name .*aws.external_id/,
      )
    })
  })
})

describe('the check', () => {
  it('asks AWS once whose credentials these are', async () => {
    const client = await open(keys())
    await client.check(never)
    await client.check(never)
    expect(mock.asked.map(({ body }) => body)).toEqual([expect.stringContaining('Action=GetCallerIdentity')])
  })

  it.each([
    ['an unknown key', { access_key: 'AKIAUNKNOWN' }, /InvalidClientTokenId: .*; AWS does not know these credentials/],
    ['a wrong secret', { secret_key: 'wrong' }, /SignatureDoesNotMatch: .*; the secret key does not belong/],
  ])('is an error of the configuration with %s', async (_, wrong, words) => {
    const client = await open({ ...keys(), ...wrong })
    const error = await client.check(never).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as Error).message).toMatch(words)
  })

  it('is one without any credentials', async () => {
    const client = await open()
    await expect(client.check(never)).rejects.toThrow(/^aws: .*Could not load credentials.*; give Talon a role/)
  })

  it('does not object where there is no way to STS, or no region to ask in', async () => {
    const nowhere = await aws.open(keys(), { log })
    closing.push(() => nowhere.close())
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:1')
    const cut = await open(keys())
    expect(await Promise.all([nowhere.check(never), cut.check(never)])).toEqual([undefined, undefined])
    expect(mock.asked).toEqual([])
  })

  it('is not asked for where S3 is another server, whose keys AWS does not know', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', undefined)
    vi.stubEnv('AWS_ENDPOINT_URL_STS', undefined)
    vi.stubEnv('AWS_ENDPOINT_URL_S3', mock.url)
    expect(await (await open(keys())).check(never)).toBeUndefined()
    expect(mock.asked).toEqual([])
    await expect((await open()).check(never)).rejects.toThrow('Could not load credentials')
  })

  it('sets its clock by that of AWS', async () => {
    mock.skew = 60 * MINUTE
    await (await open(keys())).check(never)
    expect(mock.asked.map(({ key }) => key)).toEqual([undefined, mock.accessKey])
  })
})
