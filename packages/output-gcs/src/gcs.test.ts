import { createHash, randomBytes } from 'node:crypto'
import { Storage } from '@google-cloud/storage'
import { checkPlugin } from '@talon/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { canStartGcs, startGcs } from '../../client-gcp/testing/gcs.ts'
import { loadedBy } from '../../client-gcp/testing/loaded.ts'
import { openBed } from '../testing/bed.ts'
import plugin, { gcs } from './index.ts'

checkPlugin(plugin)

it('loads no library of Google when it is imported', () => {
  expect(loadedBy(`await import('@talon/output-gcs')`, import.meta.dirname)).toBe(0)
})

it.each(['Evidence', 'a', '../other', 'a/b', 'a b', '${K8S_NS_NAME}', ''])('takes no bucket %j', (bucket) => {
  expect(gcs.parameters.safeParse({ bucket }).success).toBe(false)
})

const content = randomBytes(3_000_000)
const sha256 = createHash('sha256').update(content).digest('hex')

const isThere = await canStartGcs('what gcp:gcs stores')
describe.runIf(isThere)('gcp:gcs', () => {
  let server: Awaited<ReturnType<typeof startGcs>>
  let bed: Awaited<ReturnType<typeof openBed>>
  let bucket = ''
  let buckets = 0
  beforeAll(async () => {
    server = await startGcs()
    bed = await openBed(server.url)
  }, 600_000)
  afterAll(async () => {
    await bed.close()
    await server.close()
  })
  beforeEach(async () => {
    bucket = `evidence-${buckets++}`
    await server.createBucket(bucket)
  })
  const store = (artifact = bed.artifactOf(content), over: Parameters<typeof bed.store>[1] = {}) =>
    bed.store(artifact, { bucket, ...over })

  it('stores the artifact whole, with its facts, and says where, how big and with which SHA-256', async () => {
    const metadata = { pod: 'web-0', 'falco-rule': 'A shell%0a' }
    const { objects, status } = await store(undefined, { prefix: '/talon/default/', metadata })
    const key = 'talon/default/a.log'
    const location = `gs://${bucket}/${key}`
    expect(status).toBe('success')
    expect(objects).toEqual({ file: 'web-0.log', bucket, key, location, size: '3000000', sha256 })
    expect(await server.read(bucket, key)).toMatchObject({ metadata, sha256, contentType: 'application/octet-stream' })
  })

  it("is read back by Google's own client, checksum and all", async () => {
    await store()
    const storage = new Storage({ apiEndpoint: server.url, projectId: 'test' })
    const [read] = await storage.bucket(bucket).file('a.log').download({ validation: 'crc32c' })
    expect(content.equals(read)).toBe(true)
  })

  it('stores what is empty', async () => {
    await store(bed.artifactOf(new Uint8Array()))
    expect(await server.read(bucket, 'a.log')).toMatchObject({ size: 0 })
  })

  it('never overwrites: another artifact of one key fails, the same one again is fine', async () => {
    await store()
    const { generation } = await server.read(bucket, 'a.log')
    await expect(store(bed.artifactOf(randomBytes(10)))).rejects.toMatchObject({
      message: expect.stringContaining('is there already, with other content') as string,
      retryable: false,
    })
    await expect(store()).resolves.toMatchObject({ status: 'success', objects: { sha256 } })
    expect(await server.read(bucket, 'a.log')).toMatchObject({ generation, sha256 })
  })

  it('replaces a manifest by its next version', async () => {
    await store(bed.artifactOf(Buffer.from('1')), { replace: true })
    await store(bed.artifactOf(Buffer.from('2')), { replace: true })
    expect((await server.read(bucket, 'a.log')).sha256).toBe(createHash('sha256').update('2').digest('hex'))
  })

  it('keeps one of two that come at once under one key', async () => {
    const others = [randomBytes(2_000_000), randomBytes(2_000_000)].map((bytes) => bed.artifactOf(bytes))
    const ends = await Promise.allSettled(others.map((artifact) => store(artifact)))
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const kept = others[ends.findIndex(({ status }) => status === 'fulfilled')]
    expect((await server.read(bucket, 'a.log')).sha256).toBe(kept?.sha256)
  })

  it('stores nothing where the content is not what was collected', async () => {
    const other = bed.artifactOf(content, { sha256: 'f'.repeat(64) })
    await expect(store(other)).rejects.toMatchObject({ retryable: true })
    expect(await server.list(bucket)).toEqual([])
  })

  it('is refused by the server where the content changes on its way, and nothing is stored', async () => {
    const changed = Buffer.from(content)
    changed[2_000_000]! ^= 1
    const torn = bed.artifactOf(content, { path: bed.artifactOf(changed).path })
    await expect(store(torn)).rejects.toMatchObject({
      retryable: true,
      message: expect.stringContaining('400') as string,
    })
    expect(await server.list(bucket)).toEqual([])
  })

  it('says which bucket is not there', async () => {
    await expect(store(undefined, { bucket: 'nobody' })).rejects.toThrow('there is no bucket nobody')
  })

  it.each(['../a', '..', '', 'a/b', 'a\\b', 'a\0b'])('takes no key that is no name: %j', async (key) => {
    await expect(store(undefined, { key })).rejects.toThrow('is no name of an object')
    expect(await server.list(bucket)).toEqual([])
  })
})
