import { randomBytes } from 'node:crypto'
import { checkPlugin } from '@talon/testing'
import { describe, expect, it, vi } from 'vitest'
import { STRANGER, WRITER } from '../../../tools/counterparts/evidence.ts'
import { checkS3Output, type S3Job, type S3Way } from '../../../tools/counterparts/s3-suite.ts'
import { minio } from './client.ts'
import plugin, { s3 } from './index.ts'
import { store as storeWithin } from './store.ts'

checkPlugin(plugin)

const MIB = 2 ** 20
const never = new AbortController().signal
const log = { debug() {}, info() {}, warn() {}, error() {} }

async function open({ endpoint, settings }: Pick<S3Way, 'endpoint' | 'settings'>) {
  return minio.open(minio.settings.parse({ endpoint, ...settings }), { log })
}

async function store(given: S3Job, { inParts, ...way }: S3Way) {
  const client = await open(way)
  const job = { ...given, parameters: s3.parameters.parse(given.parameters) }
  // So that a small artifact goes in parts; S3 takes none below 5 MiB but the last.
  const limits = { whole: MIB, part: 5 * MIB }
  const stored = inParts ? storeWithin(job, client, limits) : s3.run(job, { minio: client })
  return stored.finally(() => client.close())
}

const stand = await checkS3Output({
  ...{ name: 'minio:s3', unseen: 's3:GetObject would show whether it is the same', store },
})
const { isThere, storing } = stand
const artifactOf = (length: number) => stand.evidence.artifactOf(randomBytes(length))

describe.runIf(isThere)('minio:s3 says what to do about', () => {
  it.each([
    ['a bucket that is missing', { bucket: 'nobody' }, /NoSuchBucket.*; create the bucket/],
    ['a wrong secret key', { settings: { secret_key: 'wrong' } }, /SignatureDoesNotMatch.*minio\.secret_key/],
    ['TLS that is not spoken there', { settings: { use_ssl: true } }, /EPROTO.*set minio\.use_ssl to false/],
    ['a permission that is missing', { settings: STRANGER }, /AccessDenied.*its policy lacks s3:PutObject/],
    ['a host that does not exist', { endpoint: 'minio.invalid:9000' }, /(ENOTFOUND|EAI_AGAIN).*minio\.endpoint/],
    ['a port where nothing listens', { endpoint: '127.0.0.1:1' }, /ECONNREFUSED.*nothing listens there/],
  ])('%s', async (_, over, words) => {
    await expect(storing(await artifactOf(100), over)).rejects.toMatchObject({
      message: expect.stringMatching(words) as string,
      retryable: 'endpoint' in over,
    })
  })

  it('a clock that is wrong', async () => {
    const artifact = await artifactOf(100)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 })
    await expect(storing(artifact).finally(() => vi.useRealTimers())).rejects.toMatchObject({
      message: expect.stringMatching(/RequestTimeTooSkewed.*clock/) as string,
    })
  })

  it.each(['Evidence', 'a', 'a_b', 'a..b', '10.0.0.1', '-a-', '${K8S_NS_NAME}', 'a/b'])('a bucket like %j', (bucket) =>
    expect(s3.parameters.safeParse({ bucket }).error?.issues[0]?.message).toContain('is no name of a bucket'),
  )
})

describe.runIf(isThere)('minio is ready', () => {
  const check = async (over: object) => {
    const { endpoint, accessKey: access_key, secretKey: secret_key } = stand.evidence.server
    const client = await open({ endpoint, settings: { access_key, secret_key, ...over } })
    return Promise.resolve(minio.check?.(client, never)).finally(() => client.close())
  }

  it.each([{}, WRITER])('where the server knows the key: %j', async (settings) => {
    expect(await check(settings)).toBeUndefined()
  })

  it('not where nothing listens, which may change', async () => {
    await expect(check({ endpoint: '127.0.0.1:1' })).rejects.toMatchObject({ kind: 'action', retryable: true })
  })

  it('nor with settings that are wrong, which do not', async () => {
    await expect(check({ use_ssl: true })).rejects.toMatchObject({ kind: 'config' })
  })
})
