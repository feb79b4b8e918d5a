import { ActionError, done, objectKey, TalonError, type OutputJob, type Result } from '@talon/plugin'
import type { Minio } from './client.ts'
import { codeOf, failure } from './failure.ts'
import { putParts, sweep } from './parts.ts'
import { locate } from './region.ts'
import { putWhole, type Target } from './upload.ts'

/** What is to be stored, and where. */
export interface StoreJob extends OutputJob {
  readonly parameters: { readonly bucket: string; readonly prefix: string }
}

/** Bytes. */
export interface Limits {
  /** The largest object that goes in one piece. */
  readonly whole: number
  /** A part of a larger one. */
  readonly part: number
}

/** S3 takes 5 GiB in one request: https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html */
const LIMITS: Limits = { whole: 5 * 2 ** 30, part: 512 * 2 ** 20 }

/** Milliseconds that cleaning up may take. */
const CLEANING = 10_000

type Headers = Readonly<Record<string, string>>

/**
 * Stores an artifact whole or not at all: in one piece, signed with its own SHA-256, so that the server takes no other
 * content and a broken upload leaves nothing behind. Memory holds a chunk at a time.
 */
export async function store(job: StoreJob, minio: Minio, limits = LIMITS): Promise<Result> {
  const { artifact, signal } = job
  const { bucket } = job.parameters
  const key = objectKey(job.parameters.prefix, job.key)
  const location = `s3://${bucket}/${key}`
  const facts = Object.entries({ ...job.metadata, sha256: artifact.sha256 })
  const headers = Object.fromEntries(facts.map(([name, value]) => [`x-amz-meta-${name}`, value]))
  const over = new AbortController()
  const client = minio.connect(AbortSignal.any([signal, over.signal]))
  const target: Target = { client, bucket, key, location, artifact, headers }
  const large = artifact.size > limits.whole
  const upload = (condition: Headers) =>
    large ? putParts(target, condition, limits.part) : putWhole(target, condition)
  try {
    signal.throwIfAborted()
    await locate(client, bucket)
    if (job.replace) await upload({})
    else if (!(await isStored(target))) await uploadNew(target, upload)
    await verify(target)
    const objects = { bucket, key, size: String(artifact.size), sha256: artifact.sha256, location }
    return done(`stored ${artifact.name} as ${location}`, objects)
  } catch (error) {
    // What ended the run is its own reason, and no fault of the server's.
    signal.throwIfAborted()
    throw TalonError.is(error)
      ? error
      : failure(error, `${artifact.name} was not stored as ${location}`, 's3:PutObject')
  } finally {
    if (large) await clean({ ...target, client: minio.connect(AbortSignal.timeout(CLEANING), client.region) }, job)
    // Answers that the library let lie hold their connection until then.
    over.abort()
  }
}

/** Uploads under a name that nobody has. An object that is there is never overwritten. */
async function uploadNew(target: Target, upload: (condition: Headers) => Promise<void>): Promise<void> {
  try {
    await upload({ 'if-none-match': '*' })
  } catch (error) {
    // Not every server knows conditions. The name was free a moment ago.
    if (codeOf(error) === 'NotImplemented') await upload({})
    // It came up meanwhile: an earlier try's, whose answer was lost?
    else if (codeOf(error) !== 'PreconditionFailed' || !(await isStored(target))) throw error
  }
}

/** Whether it is there, as an earlier try stored it. @throws ActionError where something else has its name. */
async function isStored(target: Target): Promise<boolean> {
  const { artifact, location } = target
  const found = await look(target)
  if (!found || (found.size === artifact.size && found.sha256 === artifact.sha256)) return found !== undefined
  throw new ActionError(
    `${location} is there already, with other content: it was left as it is, and ${artifact.name} was not stored`,
  )
}

async function verify(target: Target): Promise<void> {
  const { artifact, location } = target
  const found = await look(target)
  if (found && found.size !== artifact.size)
    throw new ActionError(
      `${location} has ${found.size} bytes, not the ${artifact.size} that were sent: look at the server`,
    )
}

/** What is there; undefined too where the access key may not look, which a key that only writes may not. */
async function look({ client, bucket, key, location }: Target) {
  try {
    const { size, metaData } = await client.statObject(bucket, key)
    return { size, sha256: (metaData as Readonly<Record<string, string>>)['sha256'] }
  } catch (error) {
    if (['NotFound', 'NoSuchKey', 'AccessDenied'].includes(codeOf(error))) return undefined
    throw failure(error, `whether ${location} is there could not be seen`, 's3:GetObject')
  }
}

/** Also after success: this try, or an earlier one, may have begun uploads that came to nothing. The job may be over. */
async function clean(target: Target, { log }: StoreJob): Promise<void> {
  await sweep(target).catch((error: unknown) => {
    const { message } = failure(error, 'not removed', 's3:ListBucketMultipartUploads and s3:AbortMultipartUpload')
    log.warn('a broken upload may have left parts: the next try removes them, or a lifecycle rule of the bucket', {
      location: target.location,
      error: message,
    })
  })
}
