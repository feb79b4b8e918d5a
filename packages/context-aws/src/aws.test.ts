import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { checkPlugin, falcoEvent, memoryNotes } from '@talon/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MOCK_PROFILE, startMetadataMock, type MockInstance } from '../../../apps/server-e2e/src/aws-metadata.ts'
import { imds, type Imds } from './imds.ts'
import plugin, { aws } from './index.ts'

checkPlugin(plugin)

const log = { debug() {}, info() {}, warn() {}, error() {} }
const never = new AbortController().signal
const closing: (() => unknown)[] = []
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_EC2_')) vi.stubEnv(name, undefined)
})
afterEach(async () => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
  for (const close of closing.splice(0).toReversed()) await close()
})

async function open(endpoint?: string): Promise<Imds> {
  vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', endpoint)
  return imds.open({}, { log })
}

function facts(client: Imds, signal = never) {
  return aws.run({ event: falcoEvent(), fields: {}, notes: memoryNotes(), signal, log }, { imds: client })
}

/** A service that is not as it should be. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => void server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const go = await startMetadataMock({ region: 'eu-west-3' }).then(
  (mock) => mock.close().then(() => true),
  (error: unknown) => {
    console.warn(`no metadata service to ask, so the context aws was not seen to read one: ${String(error)}`)
    return false
  },
)

describe.skipIf(!go)('the context aws, of a metadata service that demands session tokens', () => {
  async function start(instance: MockInstance) {
    const mock = await startMetadataMock(instance)
    closing.push(() => mock.close())
    return mock
  }

  it('tells of the instance, and asks once for many', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const mock = await start({ region: 'eu-west-3' })
    const client = await open(mock.url)
    const all = await Promise.all([facts(client), facts(client)])
    expect(all[0]).toEqual({
      'aws.instance_profile_arn': MOCK_PROFILE.arn,
      'aws.instance_profile_id': MOCK_PROFILE.id,
      'aws.region': 'eu-west-3',
    })
    expect(all[1]).toEqual(all[0])
    const asked = (times: number) =>
      vi.waitUntil(() => mock.log().match(/{GET \/latest\/meta-data\/iam\/info /g)?.length === times, {
        timeout: 30_000,
      })
    await asked(1)
    vi.setSystemTime(Date.now() + 11 * 60_000)
    await facts(client)
    await asked(2)
    expect(mock.log().match(/GenerateToken Received/g)).toHaveLength(2)
  })

  it('gives empty names where the instance has no profile', async () => {
    const { url } = await start({ region: 'eu-west-3', profile: false })
    expect(await facts(await open(`${url}/`))).toEqual({
      'aws.instance_profile_arn': '',
      'aws.instance_profile_id': '',
      'aws.region': 'eu-west-3',
    })
  })
})

describe('the context aws, where there is no service', () => {
  it('says what to do about one that does not answer: tokens do not cross a router unless allowed to', async () => {
    const client = await open(await serve(() => {}))
    await expect(facts(client)).rejects.toMatchObject({
      kind: 'action',
      retryable: true,
      message: expect.stringMatching(
        /did not answer within 1 s: .*HttpPutResponseHopLimit.*additional_contexts/,
      ) as string,
    })
  })

  it('says what to do about one that cannot be reached', async () => {
    const url = await serve(() => {})
    for (const close of closing.splice(0)) await close()
    await expect(facts(await open(url))).rejects.toThrow(/cannot be reached: .*ECONNREFUSED.*additional_contexts/)
  })

  it.each([
    [403, /answered 403; turn it on/, false],
    [503, /answered 503/, true],
    [404, /no metadata service of EC2/, false],
  ])(
    'says what to do about an answer of %i, and takes no facts without a token',
    async (status, message, retryable) => {
      const asked: (string | undefined)[] = []
      const client = await open(
        await serve(({ method }, response) => {
          asked.push(method)
          response.writeHead(status).end()
        }),
      )
      await expect(facts(client)).rejects.toMatchObject({
        retryable,
        message: expect.stringMatching(message) as string,
      })
      expect(asked).toEqual(['PUT'])
    },
  )

  it('asks again after a failure', async () => {
    let status = 503
    const client = await open(
      await serve(({ url }, response) => {
        response.writeHead(url?.endsWith('iam/info') ? 404 : status).end('x')
      }),
    )
    await expect(facts(client)).rejects.toThrow('503')
    status = 200
    expect(await facts(client)).toMatchObject({ 'aws.region': 'x' })
  })

  it.each(['', 'not json', '{"Code":"Failed"}'])(
    'is a failure, and no half of a fact, with a profile of %j',
    async (info) => {
      const client = await open(
        await serve(({ url }, response) => void response.end(url?.endsWith('iam/info') ? info : 'x')),
      )
      await expect(facts(client)).rejects.toMatchObject({
        kind: 'action',
        message: expect.stringContaining('iam/info') as string,
      })
    },
  )

  it('reads a bounded part of what it is told', async () => {
    const client = await open(await serve((_, response) => void response.end('x'.repeat(1_000_000))))
    await expect(facts(client)).rejects.toThrow('more than it should')
  })

  it('ends with its job, whoever else still waits', async () => {
    const ending = new AbortController()
    const client = await open(await serve(() => ending.abort(new Error('Talon is stopping'))))
    const other = facts(client)
    await expect(facts(client, ending.signal)).rejects.toThrow('Talon is stopping')
    await expect(other).rejects.toThrow('within 1 s')
  })

  it.each([
    [{ AWS_EC2_METADATA_DISABLED: 'true' }, 'turns the instance metadata service off'],
    [{ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'nowhere' }, "'nowhere' is no http:// URL"],
  ])('is an error of the configuration with %j', async (env, words) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    expect(() => imds.open({}, { log })).toThrow(words)
  })
})
