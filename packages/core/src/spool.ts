import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ActionError, type Artifact, type StoredArtifact } from '@talon/plugin'

export interface SpoolOptions {
  /** A folder of its own; made where it is missing. */
  readonly path: string
  /** All artifacts together. */
  readonly maxBytes: number
}

/** What a journal keeps of an artifact in the spool. */
export interface Collected {
  /** Name in the spool's folder. */
  readonly file: string
  /** The artifact's own name. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Hexadecimal. */
  readonly sha256: string
  /** Epoch milliseconds when it was there; its key is made of it. */
  readonly at: number
}

/** An artifact between collecting and storing. `drop` it once it is stored. */
export interface Spooled extends StoredArtifact, Omit<Collected, 'at'> {
  drop(): Promise<void>
}

export interface Spool {
  /**
   * Reads the artifact from its source, once, into a file of this name.
   * @throws ActionError where it does not fit, with nothing left behind.
   */
  collect(artifact: Artifact, file: string, signal: AbortSignal): Promise<Spooled>
  /** What an earlier run collected; undefined where it is not there, or not whole. */
  adopt(collected: Collected): Promise<Spooled | undefined>
  /** Removes what nobody waits for: halves that a crash left, and files of events that are over. It may collect meanwhile. */
  sweep(isWanted: (file: string) => Promise<boolean>): Promise<void>
  /** Bytes on disk. */
  readonly used: number
}

/** What is not whole yet. */
const PART = '.part'

/** Keeps artifacts on disk, so that storing can be tried again without collecting again, and memory holds none. */
export function createSpool({ path, maxBytes }: SpoolOptions): Spool {
  let used = 0
  /** Bytes of the files that are whole, and names of those that are not. */
  const whole = new Map<string, number>()
  const collecting = new Set<string>()

  /** A file is counted once, with what it has now. */
  function count(file: string, size: number): void {
    used += size - (whole.get(file) ?? 0)
    if (size) whole.set(file, size)
    else whole.delete(file)
  }

  async function remove(file: string): Promise<void> {
    await rm(join(path, file), { force: true })
    count(file, 0)
  }

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

  function spooled(facts: Pick<Collected, 'file' | 'name' | 'size' | 'sha256'>): Spooled {
    const at = join(path, facts.file)
    return {
      ...facts,
      path: at,
      open: () => createReadStream(at),
      drop: () => remove(facts.file),
    }
  }

  return {
    get used() {
      return used
    },
    async collect(artifact, file, signal) {
      await mkdir(path, { recursive: true, mode: 0o700 })
      const part = join(path, file + PART)
      collecting.add(file + PART)
      const hash = createHash('sha256')
      let size = 0
      const seen = (chunk: Uint8Array) => {
        size += chunk.byteLength
        hash.update(chunk)
      }
      try {
        // An attempt that failed has left nothing; `flush` waits for the disk, since the journal will count on the file.
        await pipeline(
          counted(artifact.open(), seen),
          createWriteStream(part, { mode: 0o600, flags: 'w', flush: true }),
          {
            signal,
          },
        )
        await rename(part, join(path, file))
        // From now on it counts as whole.
        used -= size
        count(file, size)
      } catch (error) {
        await rm(part, { force: true })
        used -= size
        throw error
      } finally {
        collecting.delete(file + PART)
      }
      return spooled({ file, name: artifact.name, size, sha256: hash.digest('hex') })
    },
    async adopt({ file, name, size, sha256 }) {
      const found = await stat(join(path, file)).catch(() => undefined)
      if (found?.size !== size) return undefined
      count(file, size)
      return spooled({ file, name, size, sha256 })
    },
    async sweep(isWanted) {
      for (const file of await readdir(path).catch(() => [])) {
        if (collecting.has(file)) continue
        const found =
          !file.endsWith(PART) && (await isWanted(file)) && (await stat(join(path, file)).catch(() => undefined))
        if (found) count(file, found.size)
        else await remove(file)
      }
    },
  }
}
