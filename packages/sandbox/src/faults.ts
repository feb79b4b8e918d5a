import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from './status.ts'

/** Something that goes wrong because a test orders it. */
export interface Fault {
  /** Any where missing. Exec is a GET. */
  readonly method?: string
  /** Of the URL, without the query: a part of it, or a pattern. */
  readonly path: RegExp | string
  /** The code of a refusal. Without one, the request is served after `delay`. */
  readonly status?: number
  /** How often; once where missing. */
  readonly times?: number
  /** Seconds. */
  readonly retryAfter?: number
  readonly message?: string
  /** Milliseconds that the request waits first. */
  readonly delay?: number
  /** Breaks the connection instead of an answer. */
  readonly drop?: boolean
}

const REASONS: Record<number, string> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

/** The faults that are ordered and not yet used up. */
export class Faults {
  #ordered: { readonly fault: Fault; left: number }[] = []

  order(fault: Fault): void {
    this.#ordered.push({ fault, left: fault.times ?? 1 })
  }

  /**
   * Does what is ordered for this request, the first order first.
   * @returns true where the connection is to be broken
   * @throws ApiError where the request is to be refused
   */
  async meet(method: string, path: string, signal: AbortSignal): Promise<boolean> {
    const found = this.#ordered.find(({ fault }) => (fault.method ?? method) === method && matches(fault.path, path))
    if (!found) return false
    found.left--
    this.#ordered = this.#ordered.filter(({ left }) => left > 0)
    const { status: code, retryAfter, delay, drop = false, message } = found.fault
    if (delay) await sleep(delay, undefined, { signal, ref: false })
    if (code === undefined || drop) return drop
    throw new ApiError({
      code,
      reason: REASONS[code] ?? 'Unknown',
      message: message ?? `the sandbox was told to answer ${code}`,
      ...(retryAfter !== undefined && { retryAfter }),
    })
  }
}

const matches = (wanted: RegExp | string, path: string) =>
  typeof wanted === 'string' ? path.includes(wanted) : path.search(wanted) >= 0
