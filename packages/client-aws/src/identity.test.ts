import { ConfigError } from '@talon/plugin'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { MINUTE, openStand, type Stand } from '../testing/stand.ts'
import { aws } from './index.ts'

const never = new AbortController().signal
const log = { debug() {}, info() {}, warn() {}, error() {} }
let stand: Stand
beforeEach(async () => {
  stand = await openStand()
})

describe('the check', () => {
  it('asks AWS once whose credentials these are', async () => {
    const client = await stand.open(stand.keys)
    await client.check(never)
    await client.check(never)
    expect(stand.mock.asked.map(({ body }) => body)).toEqual([expect.stringContaining('Action=GetCallerIdentity')])
  })

  it.each([
    ['an unknown key', { access_key: 'AKIAUNKNOWN' }, /InvalidClientTokenId: .*; AWS does not know these credentials/],
    ['a wrong secret', { secret_key: 'wrong' }, /SignatureDoesNotMatch: .*; the secret key does not belong/],
  ])('is an error of the configuration with %s', async (_, wrong, words) => {
    const client = await stand.open({ ...stand.keys, ...wrong })
    const error = await client.check(never).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as Error).message).toMatch(words)
  })

  it('is one without any credentials', async () => {
    const client = await stand.open()
    await expect(client.check(never)).rejects.toThrow(/^aws: .*Could not load credentials.*; give Talon a role/)
  })

  it('does not object where there is no way to STS, or no region to ask in', async () => {
    const nowhere = await aws.open(stand.keys, { log })
    onTestFinished(() => nowhere.close())
    vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:1')
    const cut = await stand.open(stand.keys)
    expect(await Promise.all([nowhere.check(never), cut.check(never)])).toEqual([undefined, undefined])
    expect(stand.mock.asked).toEqual([])
  })

  it('is not asked for where S3 is another server, whose keys AWS does not know', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', undefined)
    vi.stubEnv('AWS_ENDPOINT_URL_STS', undefined)
    vi.stubEnv('AWS_ENDPOINT_URL_S3', stand.mock.url)
    expect(await (await stand.open(stand.keys)).check(never)).toBeUndefined()
    expect(stand.mock.asked).toEqual([])
    await expect((await stand.open()).check(never)).rejects.toThrow('Could not load credentials')
  })

  it('sets its clock by that of AWS', async () => {
    stand.mock.skew = 60 * MINUTE
    await (await stand.open(stand.keys)).check(never)
    expect(stand.mock.asked.map(({ key }) => key)).toEqual([undefined, stand.mock.accessKey])
  })
})
