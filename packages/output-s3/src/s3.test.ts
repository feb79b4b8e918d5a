import { randomBytes } from 'node:crypto'
import { aws } from '@talon/client-aws'
import { checkPlugin } from '@talon/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { STRANGER } from '../../../tools/counterparts/evidence.ts'
import { checkS3Output, type S3Job, type S3Way } from '../../../tools/counterparts/s3-suite.ts'
import plugin, { s3 } from './index.ts'

checkPlugin(plugin)

const MIB = 2 ** 20
const log = { debug() {}, info() {}, warn() {}, error() {} }

async function store(job: S3Job, { endpoint, region, settings }: S3Way) {
  vi.stubEnv('AWS_ENDPOINT_URL_S3', endpoint.includes('://') ? endpoint : `http://${endpoint}`)
  const client = await aws.open(aws.settings.parse({ region, ...settings }), { log })
  const parameters = s3.parameters.parse(job.parameters)
  return s3.run({ ...job, parameters }, { aws: client }).finally(() => client.close())
}
afterEach(() => void vi.unstubAllEnvs())

const stand = await checkS3Output({
  ...{ name: 'aws:s3', unseen: 'with s3:GetObject it could be seen whether it is the same', store },
})
const { isThere, storing } = stand
const artifactOf = (length: number) => stand.evidence.artifactOf(randomBytes(length))

describe.runIf(isThere)('aws:s3', () => {
  it.each([
    ['the artifact', MIB, (sha256: string) => Buffer.from(sha256, 'hex').toString('base64')],
    ['its three parts together', 19 * MIB, () => expect.stringMatching(/^[\w+/]{43}=-3$/) as string],
  ])('has S3 keep the SHA-256 of %s', async (_, length, kept) => {
    const artifact = await artifactOf(length)
    const { objects } = await storing(artifact)
    const { headers } = await stand.evidence.read(objects['key'] ?? '')
    expect(headers.get('x-amz-checksum-sha256')).toEqual(kept(artifact.sha256))
  })

  it('stores in the region of the rule, whatever aws.region is', async () => {
    const { region } = stand.evidence.server
    const stored = storing(await artifactOf(1), { region, settings: { region: 'us-west-2' } })
    expect(await stored).toMatchObject({ status: 'success' })
  })

  it.each([
    ['is gone', { path: '/nowhere' }, /cannot be read: ENOENT/, true],
    ['is shorter than it was', { size: 10 * MIB }, /ends after \d+ bytes, before it should/, false],
  ])('leaves no parts where the file %s', async (_, over, words, retryable) => {
    const outcome = storing({ ...(await artifactOf(9 * MIB)), ...over })
    await expect(outcome).rejects.toMatchObject({ message: expect.stringMatching(words) as string, retryable })
    expect(await stand.evidence.server.uploads('evidence')).toEqual([])
  })
})

describe.runIf(isThere)('aws:s3 says what to do about', () => {
  it.each([
    ['a bucket that is missing', { bucket: 'nobody' }, /NoSuchBucket.*; create the bucket/],
    ['a wrong secret key', { settings: { secret_key: 'wrong' } }, /SignatureDoesNotMatch.*aws\.secret_key/],
    [
      'another region, which the server names',
      { settings: { region: 'us-west-2' } },
      /the bucket is in eu-test-1.*set aws\.region/,
    ],
    ['a permission that is missing', { settings: STRANGER }, /AccessDenied.*grant s3:PutObject/],
  ])('%s', async (_, over, words) => {
    await expect(storing(await artifactOf(100), over)).rejects.toMatchObject({
      message: expect.stringMatching(words) as string,
      retryable: false,
    })
  })

  it.each([
    ['a port where nothing listens', 'http://127.0.0.1:1', /ECONNREFUSED.*AWS_ENDPOINT_URL/, true],
    ['TLS that is not spoken there', undefined, /EPROTO|wrong version|TLS/, false],
  ])('%s', async (_, url, words, retryable) => {
    const endpoint = url ?? `https://${stand.evidence.server.endpoint}`
    const outcome = storing(await artifactOf(100), { endpoint })
    await expect(outcome).rejects.toMatchObject({ message: expect.stringMatching(words) as string, retryable })
  })

  it.each(['Evidence', 'a', 'a_b', 'a..b', '10.0.0.1', '-a-', '${K8S_NS_NAME}', 'a/b'])('a bucket like %j', (bucket) =>
    expect(s3.parameters.safeParse({ bucket }).error?.issues[0]?.message).toContain('is no name of a bucket'),
  )
})
