import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** Why a request is turned away: the label of the metric, so there are few. */
export type Reason =
  | 'not_an_event'
  | 'too_large'
  | 'content_type'
  | 'method'
  | 'not_found'
  | 'not_local'
  | 'too_many'
  | 'not_known'
  | 'not_allowed'
  | 'not_sealed'
  | 'full'
  | 'journal'
  | 'aborted'
  | 'malformed_http'
  | 'failure'

/** A request that is turned away. The message goes to the sender: one sentence that says what is wrong and what to do. */
export class Refusal extends Error {
  readonly status: ContentfulStatusCode
  readonly reason: Reason
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: ContentfulStatusCode,
    reason: Reason,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.reason = reason
    this.headers = headers
  }
}
