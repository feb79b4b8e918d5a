import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConfigError, StoredArtifact } from '@talon/plugin'
import { checkPlugin, falcoEvent } from '@talon/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startRelay } from '../../../tools/counterparts/relay.ts'
import { canStartVersitygw, startVersitygw, type Versitygw } from '../../../tools/counterparts/versitygw.ts'
import { minio, type Minio } from './client.ts'
import plugin, { s3 } from './index.ts'
import { store, type Limits } from './store.ts'

checkPlugin(plugin)

const isThere = await canStartVersitygw('minio:s3 on an S3 server')

const MIB = 2 ** 20
/** So that a small artifact goes in parts; S3 takes none below 5 MiB but the last. */
const PARTS: Limits = { whole: MIB, part: 5 * MIB }
/** May store and clean up, and not look. */
const WRITER = { access_key: 'writer', secret_key: 'secret-of-the-writer' }
const never = new AbortController().signal
const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let server: Versitygw
let folder = ''
let opened: Minio
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
  folder = await mkdtemp(join(tmpdir(), 'talon-output-minio-'))
  opened = await open()
}, 600_000)
afterAll(async () => {
  if (!isThere) return
  opened.close()
  await server.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => void log.warn.mockClear())
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function open(over: Readonly<Record<string, unknown>> = {}): Promise<Minio> {
  const { endpoint, accessKey: access_key, secretKey: secret_key } = server
  const client = await minio.open(minio.settings.parse({ endpoint, access_key, secret_key, ...over }), { log })
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

function storing(
  artifact: StoredArtifact,
  {
    key = newKey(),
    bucket = 'evidence',
    prefix = '',
    replace = false,
    signal = never,
    metadata = {},
    client = opened,
    limits = undefined as Limits | undefined,
  } = {},
) {
  const parameters = s3.parameters.parse({ bucket, prefix })
  const job = { event: falcoEvent(), artifact, key, replace, metadata, parameters, signal, log }
  return limits ? store(job, client, limits) : s3.run(job, { minio: client })
}

async function read(key: string) {
  const answer = await server.fetch(`/evidence/${key}`)
  return {
    status: answer.status,
    headers: answer.headers,
    sha256: sha256Of(new Uint8Array(await answer.arrayBuffer())),
  }
}

async function listen(answer: RequestListener): Promise<string> {
  const listening = createServer(answer).listen(0, '127.0.0.1')
  // What comes here is no answer to `Expect: 100-continue` but the whole one.
  listening.on('checkContinue', answer)
  await once(listening, 'listening')
  closing.push(() => (listening.closeAllConnections(), listening.close()))
  const address = listening.address()
  return `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

describe.runIf(isThere)('minio:s3 stores an artifact', () => {
  it.each([
    ['in one piece', undefined],
    ['in parts', PARTS],
  ])('%s, with its metadata, and says where, how big and with which SHA-256', async (_, limits) => {
    const artifact = await artifactOf(randomBytes(11 * MIB))
    const metadata = { 'falco-rule': 'a  shell%0A in <b>"x"</b>; $(id)' }
    const name = newKey()
    const { status, objects } = await storing(artifact, { key: name, prefix: '/talon//x/', metadata, limits })
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

  it('with a key that may do nothing but write', async () => {
    const artifact = await artifactOf(randomBytes(MIB))
    const { objects } = await storing(artifact, { client: await open(WRITER) })
    expect((await read(objects['key'] ?? '')).sha256).toBe(artifact.sha256)
  })
})

describe.runIf(isThere)('minio:s3 never overwrites', () => {
  it.each([
    ['in one piece', undefined],
    ['in parts', PARTS],
  ])('what is there, %s; the same from an earlier try counts as stored, and is not sent again', async (_, limits) => {
    const artifact = await artifactOf(randomBytes(6 * MIB))
    const key = newKey()
    await storing(artifact, { key, limits })
    const again = await storing({ ...artifact, path: '/nowhere' }, { key, limits })
    expect(again).toMatchObject({ status: 'success', objects: { key, sha256: artifact.sha256 } })
    const other = await artifactOf(randomBytes(6 * MIB))
    await expect(storing(other, { key, limits })).rejects.toMatchObject({
      message: `s3://evidence/${key} is there already, with other content: it was left as it is, and web-0.log was not stored`,
      retryable: false,
    })
    expect((await read(key)).sha256).toBe(artifact.sha256)
  })

  it.each([
    // A whole one is small, because this server refuses in the middle, not before it reads.
    ['in one piece', undefined, 1000],
    ['in parts', PARTS, 6 * MIB],
  ])('what it may not look at, %s', async (_, limits, size) => {
    const [artifact, other] = [await artifactOf(randomBytes(size)), await artifactOf(randomBytes(size))]
    const key = newKey()
    await storing(artifact, { key, limits })
    await expect(storing(other, { key, limits, client: await open(WRITER) })).rejects.toMatchObject({
      message: expect.stringContaining('s3:GetObject would show whether it is the same') as string,
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

describe.runIf(isThere)('minio:s3 leaves neither half an object nor parts', () => {
  it('where the content is not what was collected: the server refuses it', async () => {
    const artifact = { ...(await artifactOf(randomBytes(MIB))), sha256: sha256Of(Buffer.from('something else')) }
    const key = newKey()
    await expect(storing(artifact, { key })).rejects.toMatchObject({
      message: expect.stringContaining('XAmzContentSHA256Mismatch') as string,
      retryable: true,
    })
    expect((await read(key)).status).toBe(404)
  })

  it.each([
    ['in one piece', undefined],
    ['in parts', PARTS],
  ])('where the job ends in the middle, %s', async (_, limits) => {
    const relay = await startRelay(server.endpoint)
    closing.push(() => relay.close())
    const artifact = await artifactOf(randomBytes(12 * MIB))
    const [key, job, reason] = [newKey(), new AbortController(), new Error('the engine stops')]
    const held = relay.hold(9 * MIB)
    const client = await open({ endpoint: relay.endpoint })
    const outcome = storing(artifact, { key, limits, client, signal: job.signal }).catch((error: unknown) => error)
    await held
    expect(await server.uploads('evidence')).toHaveLength(limits ? 1 : 0)
    job.abort(reason)
    relay.release()
    expect(await outcome).toBe(reason)
    expect([(await read(key)).status, await server.uploads('evidence')]).toEqual([404, []])
  })

  it.each([
    ['in one piece', undefined],
    ['in parts', PARTS],
  ])('where the server is killed in the middle: the next try stores it, %s', async (_, limits) => {
    const relay = await startRelay(server.endpoint)
    closing.push(() => relay.close())
    const artifact = await artifactOf(randomBytes(12 * MIB))
    const key = newKey()
    const held = relay.hold(9 * MIB)
    const client = await open({ endpoint: relay.endpoint })
    const outcome = storing(artifact, { key, limits, client }).catch((error: unknown) => error)
    await held
    await server.kill()
    expect(await outcome).toMatchObject({ kind: 'action', retryable: true })
    relay.release()
    await server.start()
    expect((await read(key)).status).toBe(404)
    const stranded = limits ? 1 : 0
    expect(await server.uploads('evidence')).toHaveLength(stranded)
    expect(log.warn.mock.calls.map(([message]) => String(message))).toEqual(
      Array.from({ length: stranded }, () => expect.stringContaining('may have left parts') as string),
    )
    await storing(artifact, { key, limits, client })
    expect((await read(key)).sha256).toBe(artifact.sha256)
    expect(await server.uploads('evidence')).toEqual([])
  })
})

describe.runIf(isThere)('minio:s3 says what to do', () => {
  it.each([
    ['about a bucket that is missing', {}, { bucket: 'nobody' }, /NoSuchBucket.*; create the bucket/],
    ['about a wrong secret key', { secret_key: 'wrong' }, {}, /SignatureDoesNotMatch.*minio\.secret_key/],
    ['about TLS that is not spoken there', { use_ssl: true }, {}, /EPROTO.*set minio\.use_ssl to false/],
    [
      'about a host that does not exist',
      { endpoint: 'minio.invalid:9000' },
      {},
      /(ENOTFOUND|EAI_AGAIN).*minio\.endpoint/,
    ],
    ['about a port where nothing listens', { endpoint: '127.0.0.1:1' }, {}, /ECONNREFUSED.*nothing listens there/],
    [
      'about a permission that is missing',
      { access_key: 'stranger', secret_key: 'secret-of-the-stranger' },
      {},
      /AccessDenied.*its policy lacks s3:PutObject/,
    ],
  ])('%s', async (_, settings, where, words) => {
    const client = await open(settings)
    const artifact = await artifactOf(randomBytes(100))
    await expect(storing(artifact, { ...where, client })).rejects.toMatchObject({
      message: expect.stringMatching(words) as string,
      retryable: /ENOTFOUND|ECONNREFUSED/.test(words.source),
    })
  })

  it('about a clock that is wrong', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 })
    const outcome = storing(await artifactOf(randomBytes(100)))
    await expect(outcome.finally(() => vi.useRealTimers())).rejects.toMatchObject({
      message: expect.stringMatching(/RequestTimeTooSkewed.*clock/) as string,
    })
  })

  it('about an endpoint that is no S3', async () => {
    const endpoint = await listen((_, answer) => void answer.writeHead(400).end('<html>a console'))
    await expect(
      storing(await artifactOf(randomBytes(100)), { client: await open({ endpoint }) }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('what answered is no S3; minio.endpoint must be') as string,
    })
  })

  it('and lets a busy server be asked again', async () => {
    const endpoint = await listen((_, answer) => void answer.writeHead(503).end())
    await expect(
      storing(await artifactOf(randomBytes(100)), { client: await open({ endpoint }) }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('the server answered 503') as string,
      retryable: true,
    })
  })

  it('even where the server refuses before it reads: the content waits until it is wanted', async () => {
    const endpoint = await listen(({ method }, answer) => {
      if (method === 'PUT')
        answer
          .writeHead(403, { connection: 'close' })
          .end('<Error><Code>AccessDenied</Code><Message>No.</Message></Error>')
      else if (method === 'HEAD') answer.writeHead(404).end()
      else answer.end('<LocationConstraint/>')
    })
    const artifact = await artifactOf(randomBytes(32 * MIB))
    await expect(storing(artifact, { client: await open({ endpoint }) })).rejects.toMatchObject({
      message: expect.stringMatching(/AccessDenied.*its policy lacks s3:PutObject/) as string,
      retryable: false,
    })
  })

  it.each(['http://minio:9000', 'minio:9000/path', 'minio:x', '', 'user@minio'])(
    'about an endpoint like %j',
    (endpoint) =>
      expect(open({ endpoint })).rejects.toMatchObject({
        kind: 'config',
        message: expect.stringContaining('is no host and port') as string,
      } satisfies Partial<ConfigError>),
  )

  it.each(['Evidence', 'a', 'a_b', 'a..b', '10.0.0.1', '-a-', '${K8S_NS_NAME}', 'a/b'])(
    'about a bucket like %j',
    (bucket) =>
      expect(s3.parameters.safeParse({ bucket }).error?.issues[0]?.message).toContain('is no name of a bucket'),
  )
})

describe.runIf(isThere)('minio is ready', () => {
  it.each([{}, WRITER])('where the server knows the key: %j', async (settings) => {
    expect(await minio.check?.(await open(settings), never)).toBeUndefined()
  })

  it('not where nothing listens, which may change', async () => {
    const client = await open({ endpoint: '127.0.0.1:1' })
    await expect(minio.check?.(client, never)).rejects.toMatchObject({ kind: 'action', retryable: true })
  })

  it('nor with settings that are wrong, which do not', async () => {
    const client = await open({ use_ssl: true })
    await expect(minio.check?.(client, never)).rejects.toMatchObject({ kind: 'config' })
  })
})
