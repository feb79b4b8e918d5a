import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { ActionError, type StoredArtifact } from '@talon/plugin'
import type { CompletedPart } from '@aws-sdk/client-s3'
import type { S3 } from './open.ts'

/** One object that is to be. */
export interface Target extends S3 {
  readonly bucket: string
  readonly key: string
  /** `s3://bucket/key`, for people. */
  readonly location: string
  readonly artifact: StoredArtifact
  readonly metadata: Readonly<Record<string, string>>
  /** Ends what is under way. */
  readonly signal: AbortSignal
}

/** The condition that an object is stored under: `*` where none may be there. */
export interface Condition {
  readonly IfNoneMatch?: '*'
}

/** Bytes of a part, held in memory while it is sent; an object that is no larger goes whole. S3 takes none below 5 MiB but the last. */
export const PART = 8 * 2 ** 20
/** More, S3 does not take. */
const MOST_PARTS = 10_000

/**
 * Stores the artifact. S3 checks what it gets against the SHA-256 that is sent along.
 * @returns the SHA-256 that S3 says it has, and the one that it must be, as S3 writes them
 */
export async function upload(target: Target, condition: Condition) {
  const file = await open(target.artifact.path).catch(unreadable)
  try {
    return await (target.artifact.size > PART ? putParts(target, file, condition) : putWhole(target, file, condition))
  } finally {
    await file.close()
  }
}

async function putWhole(
  { sdk, client, bucket, key, artifact, metadata, signal }: Target,
  file: FileHandle,
  condition: Condition,
) {
  const { size, sha256 } = artifact
  const wanted = Buffer.from(sha256, 'hex').toString('base64')
  const Body = await piece(file, Buffer.allocUnsafe(size), 0)
  const put = new sdk.PutObjectCommand({
    ...{
      Bucket: bucket,
      Key: key,
      Body,
      ContentLength: size,
      Metadata: metadata,
      ChecksumSHA256: wanted,
      ...condition,
    },
  })
  return { wanted, told: (await client.send(put, { abortSignal: signal })).ChecksumSHA256 }
}

/** One part after the other. Nothing is seen of them before the last step; what is left where it fails is for `sweep`. */
async function putParts(
  { sdk, client, bucket, key, artifact, metadata, signal }: Target,
  file: FileHandle,
  condition: Condition,
) {
  const size = Math.max(PART, Math.ceil(artifact.size / MOST_PARTS))
  const where = { Bucket: bucket, Key: key }
  const options = { abortSignal: signal }
  const begin = new sdk.CreateMultipartUploadCommand({ ...where, Metadata: metadata, ChecksumAlgorithm: 'SHA256' })
  const { UploadId } = await client.send(begin, options)
  const buffer = Buffer.allocUnsafe(size)
  const all = createHash('sha256')
  const Parts: CompletedPart[] = []
  for (let start = 0; start < artifact.size; start += size) {
    const Body = await piece(file, buffer.subarray(0, artifact.size - start), start)
    const hash = createHash('sha256').update(Body).digest()
    all.update(hash)
    const part = { PartNumber: Parts.length + 1, ChecksumSHA256: hash.toString('base64') }
    const { ETag } = await client.send(new sdk.UploadPartCommand({ ...where, ...part, UploadId, Body }), options)
    Parts.push({ ...part, ETag })
  }
  const end = new sdk.CompleteMultipartUploadCommand({ ...where, UploadId, MultipartUpload: { Parts }, ...condition })
  const { ChecksumSHA256: told } = await client.send(end, options)
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html: composite checksums
  return { wanted: `${all.digest('base64')}-${Parts.length}`, told }
}

async function piece(file: FileHandle, buffer: Buffer, start: number): Promise<Buffer> {
  const { bytesRead } = await file.read({ buffer, position: start }).catch(unreadable)
  if (bytesRead === buffer.byteLength) return buffer
  throw new ActionError(`the artifact ends after ${start + bytesRead} bytes, before it should: it was not stored`)
}

function unreadable(error: Error): never {
  throw new ActionError(`the artifact cannot be read: ${error.message}`, { cause: error, retryable: true })
}

/** Removes what broken uploads of this very object left: parts that nobody sees, and everybody pays for. */
export async function sweep({ sdk, client, bucket, key, signal }: Target): Promise<void> {
  const options = { abortSignal: signal }
  const { Uploads = [] } = await client.send(
    new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }),
    options,
  )
  for (const { Key, UploadId } of Uploads)
    if (Key === key) await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }), options)
}
