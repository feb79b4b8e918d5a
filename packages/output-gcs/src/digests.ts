import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'

/** What a content is told by. */
export interface Digests {
  /** Bytes. */
  readonly size: number
  /** Hexadecimal. */
  readonly sha256: string
  /** Base64, as Cloud Storage writes it. */
  readonly md5: string
}

/**
 * Reads a content once. The server must know the MD5 before it has the object, so that a broken one never comes about:
 * the spool is read twice, and memory holds a chunk at a time.
 */
export async function digestsOf(source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Digests> {
  const [sha256, md5] = [createHash('sha256'), createHash('md5')]
  let size = 0
  await pipeline(
    source,
    async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const chunk of chunks) {
        sha256.update(chunk)
        md5.update(chunk)
        size += chunk.byteLength
      }
    },
    { signal },
  )
  return { size, sha256: sha256.digest('hex'), md5: md5.digest('base64') }
}
