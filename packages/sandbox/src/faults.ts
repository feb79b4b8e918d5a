import { ApiError } from './status.ts'

/** A refusal that a test orders. */
export interface Fault {
  readonly method?: string
  readonly path: RegExp
  readonly status: number
  /** How often; once where missing. */
  readonly times?: number
  /** Seconds. */
  readonly retryAfter?: number
  readonly message?: string
}

const REASONS: Record<number, string> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  409: 'Conflict',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
}

/** The faults that are ordered and not yet used up. */
export class Faults {
  readonly #ordered: { fault: Fault; left: number }[] = []

  order(fault: Fault): void {
    this.#ordered.push({ fault, left: fault.times ?? 1 })
  }

  /** Throws where one is ordered for this request. */
  check(method: string, path: string): void {
    const found = this.#ordered.find(
      ({ fault, left }) => left > 0 && (fault.method ?? method) === method && fault.path.test(path),
    )
    if (!found) return
    found.left--
    const { status: code, retryAfter, message = `the sandbox was told to answer ${code}` } = found.fault
    throw new ApiError({
      code,
      reason: REASONS[code] ?? 'Unknown',
      message,
      ...(retryAfter !== undefined && { retryAfter }),
    })
  }
}
