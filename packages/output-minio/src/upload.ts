import { createReadStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'
import type { StoredArtifact } from '@talon/plugin'
import type { Client } from 'minio'

/** One object that is to be, and the connection that it is stored through. */
export interface Target {
  readonly client: Client
  readonly bucket: string
  readonly key: string
  /** `s3://bucket/key`, for people. */
  readonly location: string
  readonly artifact: StoredArtifact
  /** What is kept with it. */
  readonly headers: Readonly<Record<string, string>>
}

/** A piece of a file: the bytes from `start` to before `end`. */
export interface Piece {
  readonly path: string
  readonly start: number
  readonly end: number
  /** Of these bytes, hexadecimal. The server refuses others. */
  readonly sha256: string
}

/** Sends a piece, a chunk at a time. The library's own `putObject` holds a whole part in memory, and takes no condition. */
export async function put(
  { client, bucket, key }: Target,
  { path, start, end, sha256 }: Piece,
  request: { readonly query?: string; readonly headers: Readonly<Record<string, string>> },
): Promise<IncomingMessage> {
  const headers = { ...request.headers, 'content-length': end - start }
  const options = { ...request, method: 'PUT', bucketName: bucket, objectName: key, headers }
  // A stream knows no empty range.
  const content = end > start ? createReadStream(path, { start, end: end - 1 }) : ''
  const answer = await client.makeRequestStreamAsync(options, content, sha256, [200], '')
  await finished(answer.resume())
  return answer
}

/** Stores the artifact in one piece. The server checks it against the artifact's own SHA-256, and keeps that. */
export async function putWhole(target: Target, condition: Readonly<Record<string, string>>): Promise<void> {
  const { path, size, sha256 } = target.artifact
  const checksum = { 'x-amz-checksum-sha256': Buffer.from(sha256, 'hex').toString('base64') }
  await put(
    target,
    { path, start: 0, end: size, sha256 },
    { headers: { ...target.headers, ...checksum, ...condition } },
  )
}
