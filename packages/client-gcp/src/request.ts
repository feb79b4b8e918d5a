import type { Readable } from 'node:stream'

/** What is sent. */
export interface GcpRequest {
  /** What it is for, as an error begins: `gs://evidence/a.log cannot be stored`. */
  readonly purpose: string
  readonly url: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  /** A stream is read as fast as the other side takes it. */
  readonly body?: string | Readable
  readonly signal: AbortSignal
  /** An identity token, or false for none; an access token where missing. */
  readonly token?: string | false
  /** Statuses besides 2xx that are an answer. */
  readonly accept?: readonly number[]
  /** Statuses that are worth another try, besides the usual ones. */
  readonly passing?: readonly number[]
  /** What to do about a status, in place of the usual words. */
  readonly advice?: Readonly<Record<number, string>>
  /** Milliseconds without an answer, or without a byte taken; 60 s where missing, 0 leaves it to the signal. */
  readonly silence?: number
}

/** An answer of 2xx, or of a status that the request accepts; everything else is thrown. */
export interface GcpAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Its first 64 KiB, as UTF-8. */
  readonly body: string
}
