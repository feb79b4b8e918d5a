import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Gcp, GcpRequest } from '@talon/client-gcp'
import { ActionError, TalonError, type Logger, type StoredArtifact } from '@talon/plugin'

/** An object to be. */
export interface ObjectToBe {
  readonly bucket: string
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Base64. */
  readonly md5: string
  readonly metadata: Readonly<Record<string, string>>
  /** Whether it may take the place of an object that is there. */
  readonly replace: boolean
}

interface Line {
  readonly gcp: Gcp
  readonly signal: AbortSignal
}

/** How often in a row an upload that makes no headway is resumed. */
const RESUMES = 3
/** Milliseconds before an upload is resumed, doubled each time. */
const PAUSE = 500
/** Milliseconds to cancel a session in, when the run itself is over. */
const CANCEL = 5_000
const INCOMPLETE = 308
/** What arrived is not what was told, or the session is lost: a new one is worth a try. */
const SPOILT = [400, 404, 410]
const PRECONDITION = 412
/** What Cloud Storage answers to a cancelled session. */
const CANCELLED = 499

/**
 * Uploads in one resumable session, which is cancelled where it fails. False: an object of that name is there already.
 * https://cloud.google.com/storage/docs/performing-resumable-uploads
 * @throws ActionError that says whether another try makes sense; no object is there then.
 */
export async function upload(
  object: ObjectToBe,
  artifact: StoredArtifact,
  line: Line & { readonly log: Logger },
): Promise<boolean> {
  const { gcp, signal, log } = line
  const session = await open(object, line)
  if (!session) return false
  const put = (headers: Readonly<Record<string, string>>, body?: Readable) =>
    gcp.send({
      ...requestOf(object, 'create'),
      method: 'PUT',
      url: session,
      // The session's address is its own authorisation.
      token: false,
      headers,
      signal,
      accept: [INCOMPLETE, PRECONDITION],
      passing: SPOILT,
      ...(body && { body }),
    })
  /** Sends from here on; undefined where the connection broke. */
  const send = (offset: number) => {
    const { size } = object
    const range = size === 0 ? 'bytes */0' : `bytes ${offset}-${size - 1}/${size}`
    return put(
      { 'content-length': String(size - offset), 'content-range': range },
      createReadStream(artifact.path, { start: offset }),
    )
  }

  try {
    for (let offset = 0, resumed = 0; ;) {
      const answer = await send(offset).catch(async (error: unknown) => {
        signal.throwIfAborted()
        if (!isRetryable(error) || resumed >= RESUMES) throw error
        await sleep(error.retryAfter ?? PAUSE * 2 ** resumed, undefined, { signal })
        log.info('an upload broke and is resumed', { bucket: object.bucket, error: error.message })
        // What broke is worth another try; that asking for the state fails as well is no news.
        return put({ 'content-length': '0', 'content-range': `bytes */${object.size}` }).catch(() => {
          throw error
        })
      })
      if (answer.status === PRECONDITION) return false
      if (answer.status !== INCOMPLETE) return true
      const reached = reachedBy(answer.headers['range'])
      resumed = reached > offset ? 0 : resumed + 1
      if (resumed > RESUMES)
        throw new ActionError(
          `${requestOf(object, 'create').purpose}: the server takes no more than ${reached} bytes`,
          {
            retryable: true,
          },
        )
      offset = reached
    }
  } catch (error) {
    await cancel(session, gcp, log)
    signal.throwIfAborted()
    throw error
  }
}

/** Asks for a session; undefined where an object of that name is there already. The session's address is a secret. */
async function open(object: ObjectToBe, { gcp, signal }: Line): Promise<string | undefined> {
  const { bucket, name, md5, metadata, replace, size } = object
  const query = new URLSearchParams({ uploadType: 'resumable', name, ...(!replace && { ifGenerationMatch: '0' }) })
  const request = requestOf(object, 'create')
  const answer = await gcp.send({
    ...request,
    method: 'POST',
    url: `${gcp.endpoints.storage}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o?${query.toString()}`,
    headers: {
      'content-type': 'application/json',
      'x-upload-content-type': 'application/octet-stream',
      'x-upload-content-length': String(size),
    },
    body: JSON.stringify({ name, contentType: 'application/octet-stream', md5Hash: md5, metadata }),
    signal,
    accept: [PRECONDITION],
  })
  if (answer.status === PRECONDITION) return undefined
  const location = answer.headers['location']
  if (typeof location !== 'string' || !URL.canParse(location))
    throw new ActionError(`${request.purpose}: the answer names no session`, { retryable: true })
  return location
}

/** What is known of an object that is there. */
export async function existing(
  object: ObjectToBe,
  { gcp, signal }: Line,
): Promise<{ readonly size?: string; readonly md5Hash?: string }> {
  const { bucket, name } = object
  const { body } = await gcp.send({
    ...requestOf(object, 'get'),
    method: 'GET',
    url: `${gcp.endpoints.storage}/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}?fields=size,md5Hash`,
    signal,
  })
  return JSON.parse(body) as { size?: string; md5Hash?: string }
}

/** A session that is left open would keep what it has for a week. */
async function cancel(session: string, gcp: Gcp, log: Logger): Promise<void> {
  const signal = AbortSignal.timeout(CANCEL)
  const request = { purpose: 'an upload cannot be cancelled', method: 'DELETE', url: session, token: false } as const
  await gcp
    .send({ ...request, signal, headers: { 'content-length': '0' }, accept: [CANCELLED, 404, 410] })
    .catch((error: unknown) =>
      log.debug('an upload was not cancelled; it ends by itself in a week', { error: String(error) }),
    )
}

function requestOf(
  { bucket, name, replace }: ObjectToBe,
  right: 'create' | 'get',
): Pick<GcpRequest, 'purpose' | 'advice'> {
  const needed = replace ? 'storage.objects.create and storage.objects.delete' : `storage.objects.${right}`
  return {
    purpose:
      right === 'create'
        ? `gs://${bucket}/${name} was not stored`
        : `gs://${bucket}/${name} is there, and cannot be compared`,
    advice: {
      403: `grant ${needed} on the bucket ${bucket} to the account of the credentials`,
      404: `there is no bucket ${bucket}, or the credentials may not see it: create it, or check \`bucket\``,
    },
  }
}

/** `bytes=0-42` is 43 bytes; without the header nothing has arrived. */
function reachedBy(range: string | string[] | undefined): number {
  const last = /^bytes=0-(\d+)$/.exec(String(range))?.[1]
  return last === undefined ? 0 : Number(last) + 1
}

function isRetryable(error: unknown): error is ActionError {
  return TalonError.is(error) && error.kind === 'action' && error.retryable
}
