import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ActionError, type Artifact, type StoredArtifact } from '@talon/plugin'

export interface SpoolOptions {
  /** A folder of its own; made where it is missing. */
  readonly path: string
  /** All artifacts together. */
  readonly maxBytes: number
}

/** An artifact between collecting and storing. `drop` it once it is stored. */
export interface Spooled extends StoredArtifact {
  drop(): Promise<void>
}

export interface Spool {
  /** Reads the artifact from its source, once. @throws ActionError where it does not fit, with nothing left behind. */
  collect(artifact: Artifact, signal: AbortSignal): Promise<Spooled>
  /** Bytes on disk. */
  readonly used: number
}

/** Keeps artifacts on disk, so that storing can be tried again without collecting again, and memory holds none. */
export function createSpool({ path, maxBytes }: SpoolOptions): Spool {
  let used = 0

  async function* counted(source: AsyncIterable<Uint8Array>, seen: (chunk: Uint8Array) => void) {
    for await (const chunk of source) {
      if (used + chunk.byteLength > maxBytes)
        throw new ActionError(
          `the spool ${path} is full (${maxBytes} bytes): store or drop what is in it, or raise spool.max_bytes`,
        )
      used += chunk.byteLength
      seen(chunk)
      yield chunk
    }
  }

  return {
    get used() {
      return used
    },
    async collect(artifact, signal) {
      await mkdir(path, { recursive: true, mode: 0o700 })
      const file = join(path, randomUUID())
      const hash = createHash('sha256')
      let size = 0
      const drop = async () => {
        await rm(file, { force: true })
        used -= size
        size = 0
      }
      const seen = (chunk: Uint8Array) => {
        size += chunk.byteLength
        hash.update(chunk)
      }
      try {
        await pipeline(counted(artifact.open(), seen), createWriteStream(file, { mode: 0o600, flags: 'wx' }), {
          signal,
        })
      } catch (error) {
        await drop()
        throw error
      }
      return {
        name: artifact.name,
        size,
        sha256: hash.digest('hex'),
        path: file,
        open: () => createReadStream(file),
        drop,
      }
    },
  }
}
