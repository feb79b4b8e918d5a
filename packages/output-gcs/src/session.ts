import { createReadStream } from 'node:fs'
import type { Gcp, GcpAnswer, GcpRequest } from '@talon/client-gcp'
import { ActionError, type Logger } from '@talon/plugin'
import { wordsOf, type ObjectToBe } from './object.ts'

/**
 * How far an upload is: bytes that arrived, `stored`, or `taken` where another object came by that name.
 */
export type Progress = number | 'stored' | 'taken'

/** A resumable upload. https://cloud.google.com/storage/docs/performing-resumable-uploads */
export interface Session {
  /** Sends the file from that byte on. @throws ActionError */
  readonly send: (offset: number) => Promise<Progress>
  /** Asks how far it is. @throws ActionError */
  readonly ask: () => Promise<Progress>
  /** Lets go of what arrived; never throws, and takes a few seconds at most. */
  readonly cancel: () => Promise<void>
}

/** By which way it goes, and what ends it. */
export interface Line {
  readonly gcp: Gcp
  readonly signal: AbortSignal
  readonly log: Logger
}

const INCOMPLETE = 308
const PRECONDITION = 412
/** What Cloud Storage answers to a cancelled session. */
const CANCELLED = 499
/** What arrived is not what was told, or the session is lost: a new one is worth a try. */
const SPOILT = [400, 404, 410]
/** Milliseconds to cancel a session in, when the run itself is over. */
const CANCEL = 5_000
const TYPE = 'application/octet-stream'

/** Opens a session for the file at `path`; undefined where an object of that name is there already. @throws ActionError */
export async function openSession(object: ObjectToBe, path: string, line: Line): Promise<Session | undefined> {
  const { gcp, signal, log } = line
  const { size } = object
  const opened = await gcp.send({ ...requestOf(object, gcp), signal })
  if (opened.status === PRECONDITION) return undefined
  const address = opened.headers['location']
  if (typeof address !== 'string' || !URL.canParse(address))
    throw new ActionError(`${wordsOf(object).purpose}: the answer names no session`, { retryable: true })

  // The address is its own authorisation: no token goes there, and it shows nowhere.
  const session = { url: address, token: false } as const
  const put = async (more: Pick<GcpRequest, 'headers' | 'body'>) =>
    progressOf(
      await gcp.send({
        ...wordsOf(object),
        ...session,
        ...more,
        method: 'PUT',
        signal,
        accept: [INCOMPLETE, PRECONDITION],
        passing: SPOILT,
      }),
    )
  const ask = () => put({ headers: { 'content-length': '0', 'content-range': `bytes */${size}` } })
  return {
    ask,
    send: async (offset) =>
      offset === size
        ? ask()
        : put({
            headers: {
              'content-length': String(size - offset),
              'content-range': `bytes ${offset}-${size - 1}/${size}`,
            },
            body: createReadStream(path, { start: offset }),
          }),
    async cancel() {
      const request = { ...session, purpose: 'an upload was not cancelled', method: 'DELETE' } as const
      await gcp
        .send({
          ...request,
          headers: { 'content-length': '0' },
          signal: AbortSignal.timeout(CANCEL),
          accept: [CANCELLED, 404, 410],
        })
        .catch((error: unknown) =>
          log.debug('an upload was not cancelled; it ends by itself in a week', { error: String(error) }),
        )
    },
  }
}

/** The request for a session. The server keeps no object whose MD5 is another. */
function requestOf(object: ObjectToBe, gcp: Gcp): Omit<GcpRequest, 'signal'> {
  const { bucket, name, md5, metadata, replace, size } = object
  const query = new URLSearchParams({ uploadType: 'resumable', name, ...(!replace && { ifGenerationMatch: '0' }) })
  return {
    ...wordsOf(object),
    method: 'POST',
    url: `${gcp.endpoints.storage}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o?${query.toString()}`,
    headers: {
      'content-type': 'application/json',
      'x-upload-content-type': TYPE,
      'x-upload-content-length': String(size),
    },
    body: JSON.stringify({ name, contentType: TYPE, md5Hash: md5, metadata }),
    accept: [PRECONDITION],
  }
}

/** `range: bytes=0-42` is 43 bytes; without the header nothing has arrived. */
function progressOf({ status, headers }: GcpAnswer): Progress {
  if (status === PRECONDITION) return 'taken'
  if (status !== INCOMPLETE) return 'stored'
  const last = /^bytes=0-(\d+)$/.exec(String(headers['range']))?.[1]
  return last === undefined ? 0 : Number(last) + 1
}
