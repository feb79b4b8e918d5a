import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canStartVersitygw } from '../../../tools/counterparts/versitygw.ts'
import { HOSTILE } from './hostile.ts'
import { FILES, growthOf, openObjects, sha256OfZeros, type Objects, type StartOptions, type Talon } from './objects.ts'

const start = (objects: Objects, over: object = {}, more: Partial<StartOptions> = {}) => {
  const { accessKey: access_key, secretKey: secret_key } = objects.s3
  const config = `minio: ${JSON.stringify({ endpoint: objects.relay.endpoint, access_key, secret_key, ...over })}`
  return objects.start({ target: 'minio:s3', config, ...more })
}

const isThere = await canStartVersitygw('artifacts in MinIO, end to end')
describe.runIf(isThere)('an artifact in MinIO', { timeout: 240_000 }, () => {
  let objects: Objects
  let talon: Talon
  beforeAll(async () => {
    objects = await openObjects()
    talon = await start(objects)
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

  it('outlives the server that is killed in the middle of it', async () => {
    const held = objects.relay.hold(20 * 2 ** 20)
    const outcome = talon.respond('download', { 'fd.name': '/tmp/some' })
    await held
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

  it('is not stored in a bucket that is missing, or with a wrong secret, and that is told', async () => {
    const { error } = await talon.respond('lose')
    expect(error).toMatch(/NoSuchBucket.*create the bucket/)
    const other = await start(objects, { secret_key: 'wrong' }, { ready: false })
    expect((await fetch(`${other.server.url}/readyz`)).status).toBe(503)
    const told = await other.respond('keep')
    await other.stop()
    expect([told.status, told.error]).toEqual([
      'failure',
      expect.stringMatching(/SignatureDoesNotMatch.*minio\.secret_key/),
    ])
    expect(other.server.output()).not.toContain(objects.s3.secretKey)
  })
})

describe.runIf(isThere)('an artifact in MinIO over TLS', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-minio-'))
  const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  let objects: Objects
  beforeAll(async () => {
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1']
    const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync('openssl', [...made, ...name, '-keyout', tls.key, '-out', tls.cert], { stdio: 'pipe' })
    objects = await openObjects(tls)
  }, 600_000)
  afterAll(async () => {
    await objects.close()
    rmSync(folder, { recursive: true })
  }, 60_000)

  it('is stored where its certificate is trusted, with its content signed', async () => {
    const talon = await start(objects, { use_ssl: true }, { env: { NODE_EXTRA_CA_CERTS: tls.cert } })
    const { status, error, objects: told } = await talon.respond('download', { 'fd.name': '/tmp/some' })
    await talon.stop()
    expect([status, error, told['sha256']]).toEqual(['success', undefined, await sha256OfZeros(FILES['/tmp/some'])])
  })

  it('is not stored else, and what to do is told', async () => {
    const talon = await start(objects, { use_ssl: true }, { ready: false })
    const { status, error } = await talon.respond('keep')
    await talon.stop()
    const words = /(SELF_SIGNED|UNABLE_TO|DEPTH_ZERO).*NODE_EXTRA_CA_CERTS/
    expect([status, error]).toEqual(['failure', expect.stringMatching(words)])
  })
})
