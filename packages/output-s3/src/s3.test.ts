import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aws, type Aws } from '@talon/client-aws'
import type { StoredArtifact } from '@talon/plugin'
import { checkPlugin, falcoEvent } from '@talon/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { z } from 'zod'
import { startRelay } from '../../../tools/counterparts/relay.ts'
import { canStartVersitygw, startVersitygw, type Versitygw } from '../../../tools/counterparts/versitygw.ts'
import plugin, { s3 } from './index.ts'

checkPlugin(plugin)

const isThere = await canStartVersitygw('aws:s3 on an S3 server')

const MIB = 2 ** 20
/** Below and above what goes in parts. */
const SIZES = [
  ['in one piece', 3 * MIB],
  ['in parts', 19 * MIB],
] as const
/** May store and clean up, and not look. */
const WRITER = { access_key: 'writer', secret_key: 'secret-of-the-writer' }
const never = new AbortController().signal
const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let server: Versitygw
let folder = ''
const closing: (() => unknown)[] = []

beforeAll(async () => {
  if (!isThere) return
  const accounts = { [WRITER.access_key]: WRITER.secret_key, stranger: 'secret-of-the-stranger' }
  server = await startVersitygw({ buckets: ['evidence'], accounts })
  const allow = (resource: string, ...actions: string[]) => ({
    ...{ Effect: 'Allow', Principal: { AWS: [WRITER.access_key] } },
    ...{ Action: actions, Resource: [`arn:aws:s3:::evidence${resource}`] },
  })
  const Statement = [allow('/*', 's3:PutObject', 's3:AbortMultipartUpload'), allow('', 's3:ListBucketMultipartUploads')]
  const policy = { Version: '2012-10-17', Statement }
  const answer = await server.fetch('/evidence?policy', { method: 'PUT', body: JSON.stringify(policy) })
  if (!answer.ok) throw new Error(await answer.text())
  folder = await mkdtemp(join(tmpdir(), 'talon-output-s3-'))
}, 600_000)
afterAll(async () => {
  if (!isThere) return
  await server.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  log.warn.mockClear()
  vi.stubEnv('AWS_ENDPOINT_URL_S3', server.url)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closing.splice(0).toReversed()) await close()
})

async function open(over: Readonly<Record<string, unknown>> = {}): Promise<Aws> {
  const { region, accessKey: access_key, secretKey: secret_key } = server
  const client = await aws.open(aws.settings.parse({ region, access_key, secret_key, ...over }), { log })
  closing.push(() => client.close())
  return client
}

async function artifactOf(bytes: Uint8Array): Promise<StoredArtifact> {
  const sha256 = sha256Of(bytes)
  const path = join(folder, sha256)
  await writeFile(path, bytes)
  return { name: 'web-0.log', size: bytes.byteLength, sha256, path, open: () => createReadStream(path) }
}

let keys = 0
const newKey = () => `${keys++}.log`

interface Storing extends Partial<z.input<typeof s3.parameters>> {
  readonly key?: string
  readonly replace?: boolean
  readonly signal?: AbortSignal
  readonly metadata?: Readonly<Record<string, string>>
  readonly client?: Aws
}

async function storing(
  artifact: StoredArtifact,
  { key = newKey(), replace = false, signal = never, metadata = {}, client, ...where }: Storing = {},
) {
  const parameters = s3.parameters.parse({ bucket: 'evidence', ...where })
  const job = { event: falcoEvent(), artifact, key, replace, metadata, parameters, signal, log }
  return s3.run(job, { aws: client ?? (await open()) })
}

async function read(key: string, method = 'GET') {
  const answer = await server.fetch(`/evidence/${key}`, { method, headers: { 'x-amz-checksum-mode': 'ENABLED' } })
  return {
    status: answer.status,
    headers: answer.headers,
    sha256: sha256Of(new Uint8Array(await answer.arrayBuffer())),
  }
}

describe.runIf(isThere)('aws:s3 stores an artifact', () => {
  it.each(SIZES)('%s, with its metadata, and says where, how big and with which SHA-256', async (how, length) => {
    const artifact = await artifactOf(randomBytes(length))
    const metadata = { 'falco-rule': 'a  shell%0A in <b>"x"</b>; $(id)' }
    const name = newKey()
    const { status, objects } = await storing(artifact, { key: name, prefix: '/talon//x/', metadata })
    const key = `talon/x/${name}`
    const { size, sha256 } = artifact
    expect([status, objects]).toEqual([
      'success',
      { bucket: 'evidence', key, size: String(size), sha256, location: `s3://evidence/${key}` },
    ])
    const found = await read(key)
    expect(found.sha256).toBe(sha256)
    expect(found.headers.get('x-amz-meta-falco-rule')).toBe(metadata['falco-rule'])
    expect(found.headers.get('x-amz-meta-sha256')).toBe(sha256)
    const whole = Buffer.from(sha256, 'hex').toString('base64')
    // Of the parts' digests, where there are some; how many is said after it.
    expect(found.headers.get('x-amz-checksum-sha256')?.replace(/^.*(?=-3$)/, '')).toBe(
      how === 'in parts' ? '-3' : whole,
    )
    expect(await server.uploads('evidence')).toEqual([])
    expect(log.warn).not.toHaveBeenCalled()
  })

  it('under one tidy key, with and without slashes around the prefix', async () => {
    const found = []
    for (const prefix of ['a/b', '/a/b', 'a/b/', '//a//b//'])
      found.push((await storing(await artifactOf(Buffer.from('x')), { prefix, key: 'same.log' })).objects['key'])
    expect(new Set(found)).toEqual(new Set(['a/b/same.log']))
  })

  it('that is empty', async () => {
    const { objects } = await storing(await artifactOf(Buffer.alloc(0)))
    expect((await read(objects['key'] ?? '')).sha256).toBe(sha256Of(Buffer.alloc(0)))
  })

  it.each(SIZES)('%s, with an identity that may do nothing but write', async (_, length) => {
    const artifact = await artifactOf(randomBytes(length))
    const { objects } = await storing(artifact, { client: await open(WRITER) })
    expect((await read(objects['key'] ?? '')).sha256).toBe(artifact.sha256)
  })

  it('in the region of the rule', async () => {
    const artifact = await artifactOf(Buffer.from('x'))
    const client = await open({ region: 'us-west-2' })
    expect(await storing(artifact, { client, region: server.region })).toMatchObject({ status: 'success' })
  })
})

describe.runIf(isThere)('aws:s3 never overwrites', () => {
  it.each(SIZES)(
    'what is there, %s; the same from an earlier try counts as stored, and is not sent again',
    async (_, length) => {
      const artifact = await artifactOf(randomBytes(length))
      const key = newKey()
      await storing(artifact, { key })
      const again = await storing({ ...artifact, path: '/nowhere' }, { key })
      expect(again).toMatchObject({ status: 'success', objects: { key, sha256: artifact.sha256 } })
      await expect(storing(await artifactOf(randomBytes(length)), { key })).rejects.toMatchObject({
        message: `s3://evidence/${key} is there already, with other content: it was left as it is, and web-0.log was not stored`,
        retryable: false,
      })
      expect((await read(key)).sha256).toBe(artifact.sha256)
    },
  )

  it.each([
    // A whole one is small, because this server refuses in the middle of what it reads.
    ['in one piece', 1000],
    ['in parts', 9 * MIB],
  ])('what it may not look at, %s', async (_, length) => {
    const artifact = await artifactOf(randomBytes(length))
    const key = newKey()
    await storing(artifact, { key })
    const other = await artifactOf(randomBytes(length))
    await expect(storing(other, { key, client: await open(WRITER) })).rejects.toMatchObject({
      message: expect.stringContaining('with s3:GetObject it could be seen whether it is the same') as string,
      retryable: false,
    })
    expect((await read(key)).sha256).toBe(artifact.sha256)
    expect(await server.uploads('evidence')).toEqual([])
  })

  it('but a manifest, by its next version', async () => {
    const [one, two] = [await artifactOf(Buffer.from('1')), await artifactOf(Buffer.from('2'))]
    const key = newKey()
    await storing(one, { key, replace: true })
    await storing(two, { key, replace: true })
    expect((await read(key)).sha256).toBe(two.sha256)
  })
})

describe.runIf(isThere)('aws:s3 leaves neither half an object nor parts', () => {
  it('where the content is not what was collected: the server refuses it', async () => {
    const artifact = { ...(await artifactOf(randomBytes(1000))), sha256: sha256Of(Buffer.from('something else')) }
    const key = newKey()
    await expect(storing(artifact, { key })).rejects.toMatchObject({
      message: expect.stringMatching(/BadDigest|Checksum/) as string,
      retryable: true,
    })
    expect((await read(key)).status).toBe(404)
  })

  it.each([
    ['is gone', '/nowhere', /cannot be read: ENOENT/, true],
    ['is shorter than it was', undefined, /ends after \d+ bytes, before it should/, false],
  ])('where the file %s', async (_, path, words, retryable) => {
    const artifact = await artifactOf(randomBytes(9 * MIB))
    const outcome = storing({ ...artifact, size: 10 * MIB, ...(path !== undefined && { path }) })
    await expect(outcome).rejects.toMatchObject({ message: expect.stringMatching(words) as string, retryable })
    expect(await server.uploads('evidence')).toEqual([])
  })

  it.each(SIZES)('where the job ends in the middle, %s', async (how, length) => {
    const relay = await startRelay(server.endpoint)
    closing.push(() => relay.close())
    vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://${relay.endpoint}`)
    const artifact = await artifactOf(randomBytes(length))
    const [key, job, reason] = [newKey(), new AbortController(), new Error('the engine stops')]
    const held = relay.hold(Math.round(length * 0.6))
    const outcome = storing(artifact, { key, signal: job.signal }).catch((error: unknown) => error)
    await held
    expect(await server.uploads('evidence')).toHaveLength(how === 'in parts' ? 1 : 0)
    job.abort(reason)
    relay.release()
    expect(await outcome).toBe(reason)
    expect([(await read(key)).status, await server.uploads('evidence')]).toEqual([404, []])
  })

  it.each(SIZES)('where the server is killed in the middle: the next try stores it, %s', async (how, length) => {
    const relay = await startRelay(server.endpoint)
    closing.push(() => relay.close())
    vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://${relay.endpoint}`)
    const artifact = await artifactOf(randomBytes(length))
    const key = newKey()
    const held = relay.hold(Math.round(length * 0.6))
    const outcome = storing(artifact, { key }).catch((error: unknown) => error)
    await held
    await server.kill()
    expect(await outcome).toMatchObject({ kind: 'action', retryable: true })
    relay.release()
    await server.start()
    expect((await read(key)).status).toBe(404)
    const stranded = how === 'in parts' ? 1 : 0
    expect(await server.uploads('evidence')).toHaveLength(stranded)
    expect(log.warn.mock.calls.map(([message]) => String(message))).toEqual(
      Array.from({ length: stranded }, () => expect.stringContaining('may have left parts') as string),
    )
    await storing(artifact, { key })
    expect((await read(key)).sha256).toBe(artifact.sha256)
    expect(await server.uploads('evidence')).toEqual([])
  })
})

describe.runIf(isThere)('aws:s3 says what to do', () => {
  it.each([
    ['about a bucket that is missing', {}, { bucket: 'nobody' }, /NoSuchBucket.*; create the bucket/],
    ['about a wrong secret key', { secret_key: 'wrong' }, {}, /SignatureDoesNotMatch.*aws\.secret_key/],
    [
      'about another region, which the server names',
      { region: 'us-west-2' },
      {},
      /the bucket is in eu-test-1.*set aws\.region/,
    ],
    [
      'about a permission that is missing',
      { access_key: 'stranger', secret_key: 'secret-of-the-stranger' },
      {},
      /AccessDenied.*grant s3:PutObject/,
    ],
  ])('%s', async (_, settings, where, words) => {
    const client = await open(settings)
    const artifact = await artifactOf(randomBytes(100))
    await expect(storing(artifact, { ...where, client })).rejects.toMatchObject({
      message: expect.stringMatching(words) as string,
      retryable: false,
    })
  })

  it.each([
    ['a port where nothing listens', 'http://127.0.0.1:1', /ECONNREFUSED.*AWS_ENDPOINT_URL/, true],
    ['TLS that is not spoken there', undefined, /EPROTO|wrong version|TLS/, false],
  ])('about %s', async (_, url, words, retryable) => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', url ?? server.url.replace('http:', 'https:'))
    const outcome = storing(await artifactOf(randomBytes(100)))
    await expect(outcome).rejects.toMatchObject({ message: expect.stringMatching(words) as string, retryable })
  })

  it.each(['Evidence', 'a', 'a_b', 'a..b', '10.0.0.1', '-a-', '${K8S_NS_NAME}', 'a/b'])(
    'about a bucket like %j',
    (bucket) =>
      expect(s3.parameters.safeParse({ bucket }).error?.issues[0]?.message).toContain('is no name of a bucket'),
  )
})
