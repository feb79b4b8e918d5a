import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { OutputJob, Result, StoredArtifact } from '@talon/plugin'
import { falcoEvent } from '@talon/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openEvidence, sha256Of, WRITER, type Evidence } from './evidence.ts'
import { startRelay } from './relay.ts'
import { canStartVersitygw } from './versitygw.ts'

/** What an output that speaks S3 is asked for, its parameters as a rules file has them. */
export type S3Job = Omit<OutputJob, 'parameters'> & { readonly parameters: S3Parameters }
interface S3Parameters {
  readonly bucket: string
  readonly prefix?: string
  readonly region?: string
}

/** By which way it stores. */
export interface S3Way {
  /** Host and port; with `https://` before it where the test wants TLS. */
  readonly endpoint: string
  readonly region: string
  /** Settings of its client: `access_key`, `secret_key`, and what the test says. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Whether the artifact must go in parts. */
  readonly inParts: boolean
}

/** An output under test. */
export interface S3Output {
  /** `aws:s3` */
  readonly name: string
  store(job: S3Job, way: S3Way): Promise<Result>
  /** What it says of an object that is there, and that it may not look at. */
  readonly unseen: string
}

/** What a test says of one storing; the rest is as usual. */
export type Storing = Partial<
  Omit<S3Job, 'parameters' | 'artifact'> & S3Parameters & Pick<S3Way, 'endpoint' | 'settings'>
>

/** The server and the output before it, for the tests that one output has more than the others. */
export interface S3Stand {
  readonly isThere: boolean
  readonly evidence: Evidence
  readonly log: { readonly warn: ReturnType<typeof vi.fn> }
  readonly storing: (artifact: StoredArtifact, over?: Storing) => Promise<Result>
}

const MIB = 2 ** 20
/** The largest artifact that goes in one piece here. */
const WHOLE = 8 * MIB
const SIZES = [
  ['in one piece', 3 * MIB],
  ['in parts', 19 * MIB],
] as const

/** Opens the stand in front of each test of the file, and declares what every output that speaks S3 does. */
export async function checkS3Output(output: S3Output): Promise<S3Stand> {
  const isThere = await canStartVersitygw(`${output.name} on an S3 server`)
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const stand: { evidence?: Evidence } = {}
  const evidence = () => stand.evidence!
  const closing: (() => unknown)[] = []

  beforeAll(async () => {
    if (isThere) stand.evidence = await openEvidence()
  }, 600_000)
  afterAll(() => stand.evidence?.close())
  beforeEach(() => void log.warn.mockClear())
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  function storing(artifact: StoredArtifact, over: Storing = {}): Promise<Result> {
    const { server, newKey } = evidence()
    const { accessKey: access_key, secretKey: secret_key } = server
    const { bucket = 'evidence', prefix = '', region, endpoint = server.endpoint, settings, ...job } = over
    const { signal } = new AbortController()
    const usual = { event: falcoEvent(), key: newKey(), replace: false, metadata: {}, signal, log }
    const parameters = { bucket, prefix, ...(region !== undefined && { region }) }
    const way = { endpoint, region: server.region, settings: { access_key, secret_key, ...settings } }
    return output.store({ ...usual, ...job, artifact, parameters }, { ...way, inParts: artifact.size > WHOLE })
  }
  const randomArtifact = (length: number) => evidence().artifactOf(randomBytes(length))
  const uploads = () => evidence().server.uploads('evidence')

  describe.runIf(isThere)(`${output.name} stores an artifact`, () => {
    it.each(SIZES)('%s, with its metadata, and says where, how big and with which SHA-256', async (_, length) => {
      const artifact = await randomArtifact(length)
      const metadata = { 'falco-rule': 'a  shell%0A in <b>"x"</b>; $(id)' }
      const name = evidence().newKey()
      const { status, objects } = await storing(artifact, { key: name, prefix: '/talon//x/', metadata })
      const key = `talon/x/${name}`
      const { size, sha256 } = artifact
      const location = `s3://evidence/${key}`
      expect([status, objects]).toEqual(['success', { bucket: 'evidence', key, size: String(size), sha256, location }])
      const found = await evidence().read(key)
      expect(found.sha256).toBe(sha256)
      expect(found.headers.get('x-amz-meta-falco-rule')).toBe(metadata['falco-rule'])
      expect(found.headers.get('x-amz-meta-sha256')).toBe(sha256)
      expect(await uploads()).toEqual([])
      expect(log.warn).not.toHaveBeenCalled()
    })

    it('under one tidy key, with and without slashes around the prefix', async () => {
      const artifact = await randomArtifact(1)
      const found = []
      for (const prefix of ['a/b', '/a/b', 'a/b/', '//a//b//'])
        found.push((await storing(artifact, { prefix, key: 'same.log' })).objects['key'])
      expect(new Set(found)).toEqual(new Set(['a/b/same.log']))
    })

    it('under the very name that it has, whatever is in it', async () => {
      const artifact = await randomArtifact(1000)
      const key = 'a b?c=d&e#f+g%2Fh$(i)é\u{1f980}<Key>.log'
      expect((await storing(artifact, { key })).objects).toMatchObject({ key })
      // The server keeps objects as files of their names.
      const kept = await readFile(join(evidence().server.folder, 'evidence', key))
      expect(sha256Of(kept)).toBe(artifact.sha256)
    })

    it.each(['../a', '..', '', 'a/b', 'a\\b', 'a\0b'])('under no name that is none: %j', async (key) => {
      await expect(storing(await randomArtifact(1), { key })).rejects.toThrow('is no name of an object')
    })

    it('that is empty', async () => {
      const empty = await evidence().artifactOf(Buffer.alloc(0))
      const { objects } = await storing(empty)
      expect((await evidence().read(objects['key'] ?? '')).sha256).toBe(empty.sha256)
    })

    it.each(SIZES)('%s, as an account that may do nothing but write', async (_, length) => {
      const artifact = await randomArtifact(length)
      const { objects } = await storing(artifact, { settings: WRITER })
      expect((await evidence().read(objects['key'] ?? '')).sha256).toBe(artifact.sha256)
    })
  })

  describe.runIf(isThere)(`${output.name} never overwrites`, () => {
    it.each(SIZES)(
      'what is there, %s; the same from an earlier try counts as stored, and is not sent again',
      async (_, length) => {
        const artifact = await randomArtifact(length)
        const key = evidence().newKey()
        await storing(artifact, { key })
        const again = await storing({ ...artifact, path: '/nowhere' }, { key })
        expect(again).toMatchObject({ status: 'success', objects: { key, sha256: artifact.sha256 } })
        await expect(storing(await randomArtifact(length), { key })).rejects.toMatchObject({
          message: `s3://evidence/${key} is there already, with other content: it was left as it is, and web-0.log was not stored`,
          retryable: false,
        })
        expect((await evidence().read(key)).sha256).toBe(artifact.sha256)
      },
    )

    it.each([
      // A whole one is small, because this server refuses in the middle of what it reads.
      ['in one piece', 1000],
      ['in parts', 9 * MIB],
    ])('what it may not look at, %s', async (_, length) => {
      const [artifact, other] = [await randomArtifact(length), await randomArtifact(length)]
      const key = evidence().newKey()
      await storing(artifact, { key })
      await expect(storing(other, { key, settings: WRITER })).rejects.toMatchObject({
        message: expect.stringContaining(output.unseen) as string,
        retryable: false,
      })
      expect((await evidence().read(key)).sha256).toBe(artifact.sha256)
      expect(await uploads()).toEqual([])
    })

    it('but a manifest, by its next version', async () => {
      const [one, two] = [await randomArtifact(1), await randomArtifact(2)]
      const key = evidence().newKey()
      await storing(one, { key, replace: true })
      await storing(two, { key, replace: true })
      expect((await evidence().read(key)).sha256).toBe(two.sha256)
    })
  })

  describe.runIf(isThere)(`${output.name} leaves neither half an object nor parts`, () => {
    /** Stores through a relay that stands still once it let more than half of it pass. */
    async function storingHalf(length: number, key: string, signal?: AbortSignal) {
      const relay = await startRelay(evidence().server.endpoint)
      closing.push(() => relay.close())
      const artifact = await randomArtifact(length)
      const held = relay.hold(Math.round(length * 0.6))
      const way = { key, endpoint: relay.endpoint }
      const outcome = storing(artifact, { ...way, ...(signal && { signal }) }).catch((error: unknown) => error)
      await held
      return { artifact, relay, way, outcome }
    }

    it('where the content is not what was collected: the server refuses it', async () => {
      const artifact = { ...(await randomArtifact(1000)), sha256: sha256Of(Buffer.from('something else')) }
      const key = evidence().newKey()
      await expect(storing(artifact, { key })).rejects.toMatchObject({
        message: expect.stringMatching(/BadDigest|Checksum|SHA256Mismatch/) as string,
        retryable: true,
      })
      expect((await evidence().read(key)).status).toBe(404)
    })

    it.each(SIZES)('where the job ends in the middle, %s', async (how, length) => {
      const [key, job, reason] = [evidence().newKey(), new AbortController(), new Error('the engine stops')]
      const { outcome, relay } = await storingHalf(length, key, job.signal)
      expect(await uploads()).toHaveLength(how === 'in parts' ? 1 : 0)
      job.abort(reason)
      relay.release()
      expect(await outcome).toBe(reason)
      expect([(await evidence().read(key)).status, await uploads()]).toEqual([404, []])
    })

    it.each(SIZES)('where the server is killed in the middle: the next try stores it, %s', async (how, length) => {
      const key = evidence().newKey()
      const { artifact, relay, way, outcome } = await storingHalf(length, key)
      const { server } = evidence()
      await server.kill()
      expect(await outcome).toMatchObject({ kind: 'action', retryable: true })
      relay.release()
      await server.start()
      expect((await evidence().read(key)).status).toBe(404)
      const stranded = how === 'in parts' ? 1 : 0
      expect(await uploads()).toHaveLength(stranded)
      expect(log.warn.mock.calls.map(([message]) => String(message))).toEqual(
        Array.from({ length: stranded }, () => expect.stringContaining('may have left parts') as string),
      )
      await storing(artifact, way)
      expect((await evidence().read(key)).sha256).toBe(artifact.sha256)
      expect(await uploads()).toEqual([])
    })
  })

  return {
    ...{ isThere, log, storing },
    get evidence() {
      return evidence()
    },
  }
}
