import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { link, open, rename, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { ActionError } from '@talon/plugin'

/** What was written, told by what went through. */
export interface Copied {
  /** Bytes. */
  readonly size: number
  /** Hexadecimal. */
  readonly sha256: string
}

/** Copies into a new file and waits until the disk has it. Memory holds a chunk at a time. */
export async function copy(source: AsyncIterable<Uint8Array>, path: string, signal: AbortSignal): Promise<Copied> {
  const hash = createHash('sha256')
  let size = 0
  await pipeline(
    source,
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk)
        size += chunk.byteLength
        yield chunk
      }
    },
    createWriteStream(path, { flags: 'wx', mode: 0o600 }),
    { signal },
  )
  await sync(path)
  return { size, sha256: hash.digest('hex') }
}

/** Some volumes (FAT, SMB, object stores) have no hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/**
 * Gives a finished file its name, and never takes the name from another file: a link fails where the name is taken.
 * The same content under the same name is what an earlier try stored, and fine.
 */
export async function keep(part: string, destination: string, sha256: string): Promise<void> {
  try {
    await link(part, destination)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST') return isSame(destination, sha256)
    if (!NO_LINKS.has(code)) throw error
    // Without links a rename must do. It overwrites, so the name is looked at first.
    if (await exists(destination)) return isSame(destination, sha256)
    await rename(part, destination)
  }
}

/** A name is on disk only once its folder is. Not every file system lets a folder be synced. */
export async function syncFolder(path: string): Promise<void> {
  await sync(path).catch(() => {})
}

async function sync(path: string): Promise<void> {
  const handle = await open(path)
  await handle.sync().finally(() => handle.close())
}

/** The code of an error of Node: `ENOSPC`; empty where there is none. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? ''
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function isSame(path: string, sha256: string): Promise<void> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  if (hash.digest('hex') !== sha256)
    throw new ActionError(`${path} is there already, with other content: it was left as it is, and nothing was stored`)
}
