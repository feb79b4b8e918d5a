import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { beginningOf } from '@talon/plugin'
import { put, type Target } from './upload.ts'

/** Bytes of the last answer: S3's own has some hundred, and blanks before it while the parts are put together. */
const ANSWER = 64 * 1024
/** More, S3 does not take. */
const MOST_PARTS = 10_000

/**
 * Stores the artifact in parts, one after the other, each checked by the server against its SHA-256. Nothing is seen of
 * them before the last step; what is left where it fails is for `sweep`.
 * @param size bytes of a part
 */
export async function putParts(target: Target, condition: Readonly<Record<string, string>>, size: number) {
  const { client, bucket, key, artifact } = target
  const { path } = artifact
  const each = Math.max(size, Math.ceil(artifact.size / MOST_PARTS))
  const id = encodeURIComponent(await client.initiateNewMultipartUpload(bucket, key, target.headers))
  const parts: string[] = []
  for (let start = 0; start < artifact.size; start += each) {
    const end = Math.min(start + each, artifact.size)
    const sha256 = await sha256Of(path, start, end)
    const number = parts.length + 1
    const { headers } = await put(
      target,
      { path, start, end, sha256 },
      { query: `partNumber=${number}&uploadId=${id}`, headers: {} },
    )
    parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${escape(headers.etag ?? '')}</ETag></Part>`)
  }
  // The library's own way to complete takes no condition.
  const answer = await beginningOf(
    await client.makeRequestAsync(
      { method: 'POST', bucketName: bucket, objectName: key, query: `uploadId=${id}`, headers: { ...condition } },
      `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`,
    ),
    ANSWER,
  )
  // S3 answers 200 before it knows: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
  if (answer.includes('<CompleteMultipartUploadResult')) return
  const code = /<Error>.*?<Code>(\w+)<\/Code>/s.exec(answer)?.[1]
  throw Object.assign(new Error('the server did not say that it put the parts together'), { code })
}

async function sha256Of(path: string, start: number, end: number): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { start, end: end - 1 }), hash)
  return hash.digest('hex')
}

const escape = (etag: string) => etag.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** Removes what broken uploads of this very object left: parts that nobody sees, and everybody pays for. */
export async function sweep({ client, bucket, key }: Target): Promise<void> {
  // The key is given as the prefix: MinIO lists nothing else.
  const { uploads } = await client.listIncompleteUploadsQuery(bucket, key, '', '', '')
  for (const upload of uploads)
    if (upload.key === key) await client.abortMultipartUpload(bucket, key, encodeURIComponent(upload.uploadId))
}
