import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoredArtifact } from '@talon/plugin'
import { checkPlugin, falcoEvent } from '@talon/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { failure } from './failure.ts'
import plugin, { file } from './index.ts'

checkPlugin(plugin)

const content = randomBytes(300_000)

function artifactOf(bytes: Uint8Array, more: Partial<StoredArtifact> = {}): StoredArtifact {
  return {
    name: 'web-0.log',
    size: bytes.byteLength,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    path: '/nowhere',
    async *open() {
      for (let at = 0; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536)
    },
    ...more,
  }
}

describe('local:file', () => {
  let folder = ''
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const store = (
    artifact: StoredArtifact,
    { key = 'a.log', destination = folder, replace = false, signal = new AbortController().signal } = {},
  ) =>
    file.run(
      { event: falcoEvent(), artifact, key, replace, metadata: {}, parameters: { destination }, signal, log },
      {},
    )

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'talon-output-file-'))
    log.warn.mockClear()
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('stores the artifact whole, for its own user alone, and says where, how big and with which SHA-256', async () => {
    const artifact = artifactOf(content)
    const result = await store(artifact)
    const { destination, ...objects } = result.objects
    expect(result.status).toBe('success')
    expect(destination).toBe(join(folder, 'a.log'))
    expect(objects).toEqual({ file: 'web-0.log', size: '300000', sha256: artifact.sha256 })
    expect(content.equals(await readFile(join(folder, 'a.log')))).toBe(true)
    expect((await stat(join(folder, 'a.log'))).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['a.log'])
    expect(log.warn).not.toHaveBeenCalled()
  })

  it('replaces a manifest by its next version', async () => {
    await store(artifactOf(Buffer.from('1')), { replace: true })
    await store(artifactOf(Buffer.from('2')), { replace: true })
    expect(await readFile(join(folder, 'a.log'), 'utf8')).toBe('2')
    expect(await readdir(folder)).toEqual(['a.log'])
  })

  it('makes a missing folder and says so', async () => {
    await store(artifactOf(content), { destination: join(folder, 'deep', 'er') })
    expect(await readdir(join(folder, 'deep', 'er'))).toEqual(['a.log'])
    expect(log.warn).toHaveBeenCalledWith(expect.stringContaining('was missing'), expect.anything())
  })

  it('shows nothing under the name before all is there', async () => {
    const seen: string[][] = []
    const slow = artifactOf(content, {
      async *open() {
        yield content.subarray(0, 1000)
        seen.push(await readdir(folder))
        yield content.subarray(1000)
      },
    })
    await store(slow)
    expect(seen).toEqual([[expect.stringMatching(/^\.talon-/)]])
    expect(await readdir(folder)).toEqual(['a.log'])
  })

  it('stores nothing where the content is not what was collected', async () => {
    const other = artifactOf(content, { sha256: 'f'.repeat(64) })
    await expect(store(other)).rejects.toMatchObject({ kind: 'action', retryable: true })
    await expect(store(artifactOf(content, { size: 1 }))).rejects.toThrow('other content than was collected')
    expect(await readdir(folder)).toEqual([])
  })

  it('leaves nothing behind where the source breaks, and lets it be tried again', async () => {
    const broken = artifactOf(content, {
      async *open() {
        yield content.subarray(0, 100_000)
        throw new Error('the pod went away')
      },
    })
    await expect(store(broken)).rejects.toMatchObject({
      message: expect.stringContaining('the pod went away') as string,
      retryable: true,
    })
    expect(await readdir(folder)).toEqual([])
  })

  it('ends when its run ends, with that reason, and leaves nothing behind', async () => {
    const ending = new AbortController()
    const endless = artifactOf(content, {
      async *open() {
        for (;;) {
          yield content
          ending.abort(new Error('Talon is stopping'))
        }
      },
    })
    await expect(store(endless, { signal: ending.signal })).rejects.toThrow('Talon is stopping')
    expect(await readdir(folder)).toEqual([])
  })

  it('never overwrites: another artifact of one key fails, the same one again is fine', async () => {
    await store(artifactOf(content))
    await expect(store(artifactOf(randomBytes(10)))).rejects.toThrow('is there already, with other content')
    await expect(store(artifactOf(content))).resolves.toMatchObject({ status: 'success' })
    expect(content.equals(await readFile(join(folder, 'a.log')))).toBe(true)
    expect(await readdir(folder)).toEqual(['a.log'])
  })

  it('keeps one of two that come at once under one key', async () => {
    const others = [artifactOf(randomBytes(200_000)), artifactOf(randomBytes(200_000))]
    const ends = await Promise.allSettled(others.map((artifact) => store(artifact)))
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const kept = others[ends.findIndex(({ status }) => status === 'fulfilled')]
    expect(
      createHash('sha256')
        .update(await readFile(join(folder, 'a.log')))
        .digest('hex'),
    ).toBe(kept?.sha256)
  })

  it.each(['../a', '..', '.', '', 'a/b', 'a\\b', 'a\0b'])('takes no key that leaves the folder: %j', async (key) => {
    await mkdir(join(folder, 'in'))
    await expect(store(artifactOf(content), { key, destination: join(folder, 'in') })).rejects.toThrow(
      'is no name of a file',
    )
    expect(await readdir(folder)).toEqual(['in'])
  })

  it('says what to do where the destination is a file', async () => {
    await writeFile(join(folder, 'taken'), '')
    await expect(store(artifactOf(content), { destination: join(folder, 'taken') })).rejects.toMatchObject({
      message: expect.stringContaining('choose a folder as `destination`') as string,
      retryable: false,
    })
  })

  it.skipIf(process.getuid?.() === 0)('says what to do where it may not write', async () => {
    await chmod(folder, 0o500)
    await expect(store(artifactOf(content))).rejects.toMatchObject({
      message: expect.stringContaining("let Talon's user write there") as string,
      retryable: false,
    })
  })

  it.each([
    ['ENOSPC', 'no room is left', true],
    ['EROFS', 'the file system is read only', false],
    ['EIO', 'i/o error', true],
  ])('tells %s apart: %s, worth another try: %s', (code, words, retryable) => {
    const error = failure(Object.assign(new Error('i/o error'), { code }), '/evidence', artifactOf(content))
    expect(error).toMatchObject({ message: expect.stringContaining(words) as string, retryable })
    expect(error.message).toContain('web-0.log (300000 bytes) was not stored in /evidence')
  })
})
