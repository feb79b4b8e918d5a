import { createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gcp } from '@talon/client-gcp'
import type { Logger, Result, StoredArtifact } from '@talon/plugin'
import { falcoEvent } from '@talon/testing'
import { vi } from 'vitest'
import { gcs } from '../src/index.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** What a test says of one storing. */
export interface Storing {
  readonly key?: string
  readonly bucket?: string
  readonly prefix?: string
  readonly replace?: boolean
  readonly metadata?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** `gcp:gcs` before a server, and a spool to store from. */
export async function openBed(url: string) {
  const folder = mkdtempSync(join(tmpdir(), 'talon-output-gcs-'))
  vi.stubEnv('STORAGE_EMULATOR_HOST', url)
  const client = await gcp.open(gcp.settings.parse({}), { log })
  vi.unstubAllEnvs()
  let made = 0
  return {
    artifactOf(content: Uint8Array, over: Partial<StoredArtifact> = {}): StoredArtifact {
      const path = join(folder, `artifact-${made++}`)
      writeFileSync(path, content)
      const sha256 = createHash('sha256').update(content).digest('hex')
      return { name: 'web-0.log', size: content.byteLength, sha256, path, open: () => createReadStream(path), ...over }
    },
    store(artifact: StoredArtifact, over: Storing = {}): Promise<Result> {
      const { key = 'a.log', bucket = 'evidence', prefix = '', replace = false, metadata = {} } = over
      const { signal = new AbortController().signal } = over
      const parameters = { bucket, prefix }
      return gcs.run(
        { event: falcoEvent(), artifact, key, replace, metadata, parameters, signal, log },
        { gcp: client },
      )
    },
    async close() {
      await client.close()
      rmSync(folder, { recursive: true })
    },
  }
}
