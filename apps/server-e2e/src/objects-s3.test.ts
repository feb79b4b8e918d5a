import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canStartVersitygw } from '../../../tools/counterparts/versitygw.ts'
import { HOSTILE } from './hostile.ts'
import { FILES, growthOf, openObjects, sha256OfZeros, type Objects, type Talon } from './objects.ts'

const isThere = await canStartVersitygw('artifacts in S3, end to end')
describe.runIf(isThere)('an artifact in S3', { timeout: 240_000 }, () => {
  let objects: Objects
  let talon: Talon
  const start = (over: Readonly<Record<string, string>> = {}) => {
    const { region, accessKey: access_key, secretKey: secret_key } = objects.s3
    const config = `aws: ${JSON.stringify({ region, access_key, secret_key, ...over })}`
    // Nobody is asked whose credentials these are.
    const env = { AWS_ENDPOINT_URL_S3: `http://${objects.relay.endpoint}` }
    return objects.start({ target: 'aws:s3', config, env })
  }
  beforeAll(async () => {
    objects = await openObjects()
    talon = await start()
  }, 600_000)
  afterAll(async () => {
    await talon.stop()
    await objects.close()
  }, 60_000)

  it('is what was collected, and another client reads it back; slashes around the prefix make no other key', async () => {
    const folders = []
    for (const rule of ['keep', 'keep without slashes']) {
      const told = await talon.respond(rule, { 'proc.cmdline': 'sh' })
      expect([told.status, told.error]).toEqual(['success', undefined])
      const { key, size, sha256, bucket, location } = told.objects
      const found = await objects.read(key)
      expect([found.status, String(found.size), found.sha256]).toEqual([200, size, sha256])
      expect([bucket, location]).toEqual(['evidence', `s3://evidence/${key}`])
      expect(found.headers.get('x-amz-meta-falco-rule')).toBe(rule)
      expect(found.headers.get('x-amz-meta-pod')).toBe('web-0')
      expect(found.headers.get('x-amz-meta-sha256')).toBe(sha256)
      folders.push(key?.split('/').slice(0, -1).join('/'))
    }
    expect(folders).toEqual(Array.from({ length: 2 }, () => `talon/${objects.namespace}/sh`))
  })

  it('lies under one clean part of the key, whatever an event says', async () => {
    for (const value of HOSTILE) {
      const { status, objects: told, error } = await talon.respond('keep', { 'proc.cmdline': value })
      expect([value, status, error]).toEqual([value, 'success', undefined])
      const parts = told['key']?.split('/') ?? []
      expect([parts.length, parts.slice(0, 2)]).toEqual([4, ['talon', objects.namespace]])
      expect(['', '.', '..']).not.toContain(parts[2])
      expect((await objects.read(told['key'])).sha256).toBe(told['sha256'])
    }
  })

  it('is none of a pod that cannot be', async () => {
    const { status } = await talon.respond('keep', { 'k8s.pod.name': '../../etc', 'proc.cmdline': 'sh' })
    expect(status).toBe('failure')
  })

  it('outlives the server that is killed in the middle of it, and leaves no parts there', async () => {
    const held = objects.relay.hold(20 * 2 ** 20)
    const outcome = talon.respond('download', { 'fd.name': '/tmp/some' })
    await held
    expect(await objects.s3.uploads('evidence')).toHaveLength(1)
    await objects.s3.kill()
    objects.relay.release()
    await objects.s3.start()
    const { status, error, objects: told } = await outcome
    expect([status, error, told['sha256']]).toEqual(['success', undefined, await sha256OfZeros(FILES['/tmp/some'])])
    expect((await objects.read(told['key'])).sha256).toBe(told['sha256'])
    expect(await objects.s3.uploads('evidence')).toEqual([])
  })

  it('takes no memory of its size', { timeout: 240_000, retry: 2 }, async () => {
    // The first upload of a process grows V8's and the sockets' own room, once.
    await talon.respond('download', { 'fd.name': '/tmp/some' })
    const { megabytes, result } = await growthOf(talon, () => talon.respond('download', { 'fd.name': '/tmp/much' }))
    expect([result.status, result.objects['size']]).toEqual(['success', String(FILES['/tmp/much'])])
    expect(megabytes).toBeLessThan(100)
  })

  it('is not stored in a bucket that is missing, with a wrong secret, or in another region, and that is told', async () => {
    const { error } = await talon.respond('lose')
    expect(error).toMatch(/NoSuchBucket.*create the bucket/)
    for (const [over, words] of [
      [{ secret_key: 'wrong' }, /SignatureDoesNotMatch.*aws\.secret_key/],
      [{ region: 'us-west-2' }, /the bucket is in eu-test-1.*set aws\.region/],
    ] as const) {
      const other = await start(over)
      const { status, error } = await other.respond('keep')
      await other.stop()
      expect([status, error]).toEqual(['failure', expect.stringMatching(words)])
      expect(other.server.output()).not.toContain(objects.s3.secretKey)
    }
  })
})
