import { ActionError, done, objectKey, type OutputJob, type Result } from '@talon/plugin'
import { failure } from './failure.ts'
import type { S3 } from './open.ts'
import { PART, sweep, upload, type Condition, type Target } from './upload.ts'

/** What is to be stored, and where. */
export interface StoreJob extends OutputJob {
  readonly parameters: { readonly bucket: string; readonly prefix: string }
}

/** Milliseconds that cleaning up may take. */
const CLEANING = 10_000

/** Stores an artifact whole or not at all, and never over another object. */
export async function store(job: StoreJob, s3: S3): Promise<Result> {
  const { artifact, signal, parameters } = job
  const { bucket } = parameters
  const key = objectKey(parameters.prefix, job.key)
  const location = `s3://${bucket}/${key}`
  const metadata = { ...job.metadata, sha256: artifact.sha256 }
  const target: Target = { ...s3, bucket, key, location, artifact, metadata, signal }
  try {
    signal.throwIfAborted()
    if (job.replace) await put(target, {})
    else if (!(await isStored(target))) await putNew(target)
  } catch (error) {
    // What ended the run is its own reason, and no fault of the server's.
    signal.throwIfAborted()
    throw failure(error, `${artifact.name} was not stored as ${location}`, 's3:PutObject')
  } finally {
    if (artifact.size > PART) await clean({ ...target, signal: AbortSignal.timeout(CLEANING) }, job)
  }
  const objects = { bucket, key, size: String(artifact.size), sha256: artifact.sha256, location }
  return done(`stored ${artifact.name} as ${location}`, objects)
}

/** Stores under a name that nobody has. An object that is there is never overwritten. */
async function putNew(target: Target): Promise<void> {
  try {
    await put(target, { IfNoneMatch: '*' })
  } catch (error) {
    const { name } = error as Partial<Error>
    // Not every server knows conditions. The name was free a moment ago.
    if (name === 'NotImplemented') await put(target, {})
    // It came up meanwhile: an earlier try's, whose answer was lost?
    else if (name !== 'PreconditionFailed') throw error
    else if (!(await isStored(target)))
      throw new ActionError(
        `${target.location} is there already, and was left as it is; with s3:GetObject it could be seen whether it is the same`,
        { cause: error },
      )
  }
}

/** Whoever does not check the SHA-256 is asked for the size at least. */
async function put(target: Target, condition: Condition): Promise<void> {
  const { artifact, location } = target
  const { wanted, told } = await upload(target, condition)
  const right = told === undefined ? ((await look(target))?.size ?? artifact.size) === artifact.size : told === wanted
  if (!right) throw new ActionError(`${location} is not what was sent, says the server: look at it there`)
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

/** What is there; undefined too where S3 refuses to say. A HEAD has no room for its reason: what comes next tells it. */
async function look({ sdk, client, bucket, key, location, signal }: Target) {
  try {
    const command = new sdk.HeadObjectCommand({ Bucket: bucket, Key: key })
    const { ContentLength: size, Metadata } = await client.send(command, { abortSignal: signal })
    return { size, sha256: Metadata?.['sha256'] }
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
    if (status !== undefined && status < 500) return undefined
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
