import { ActionError, connectionFault, retryAfterOf, TalonError } from '@talon/plugin'

/** What was asked of the API, in the words of its roles. */
export interface Asked {
  /** `get`, `delete` ...; a path's own verb where it is no object. */
  readonly verb: string
  /** `pods`, `pods/exec`, `networkpolicies.networking.k8s.io`; the path where it is no object. */
  readonly resource: string
  readonly namespace?: string | undefined
  readonly name?: string | undefined
}

/** How the API refused: part of its Status object. It is the `cause` of the ActionError. */
export interface Refusal {
  /** HTTP status. */
  readonly code: number
  readonly reason: string
  readonly message: string
  readonly details?: {
    readonly kind?: string
    readonly name?: string
    readonly causes?: readonly { readonly reason?: string; readonly field?: string; readonly message?: string }[]
  }
}

/** How the API refused, where that is what the error tells. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!TalonError.is(error)) return undefined
  const cause = error.cause as Partial<Refusal> | undefined
  return typeof cause?.code === 'number' && typeof cause.reason === 'string' ? (cause as Refusal) : undefined
}

/** Whether the API said that it is not there. */
export function isNotFound(error: unknown): boolean {
  return refusalOf(error)?.code === 404
}

/** Whether the API said that the object under this name is not the one that was meant. */
export function isReplaced(error: unknown): boolean {
  const { code, message = '', details } = refusalOf(error) ?? {}
  if (code === 409) return /\bUID in (the )?precondition\b/.test(message)
  return code === 422 && (details?.causes?.some(({ field }) => field === 'metadata.uid') ?? false)
}

/** What the API says to a write whose UID does not fit, for reads: they carry none. */
export function replaced(asked: Asked, uid: string): ActionError {
  return refused(asked, {
    code: 409,
    reason: 'Conflict',
    message: `the UID in the precondition (${uid}) is not that of the object`,
    details: { kind: asked.resource, ...(asked.name !== undefined && { name: asked.name }) },
  })
}

/** `pods 'web-0' in namespace 'default'` */
export function inWords({ resource, namespace, name }: Omit<Asked, 'verb'>): string {
  return `${resource}${name ? ` '${name}'` : ''}${namespace ? ` in namespace '${namespace}'` : ''}`
}

const LONGEST = 1000
const ROLE = '`talon rbac -r <rules file>` prints the role that the rules need'

/** Words of the authorizer: `User "x" cannot delete resource "pods" ...`. Admission denies with 403 too. */
const UNAUTHORIZED = /\bcannot (?<verb>\w+) (resource|path)\b/

/** A refusal of the API as an error. `retryAfter` is the header. */
export function refused(asked: Asked, refusal: Refusal, retryAfter?: string | string[]): ActionError {
  const { code } = refusal
  const message = refusal.message.slice(0, LONGEST)
  const wait = retryAfterOf(retryAfter, Date.now())
  return new ActionError(wording(asked, refusal, message), {
    cause: refusal,
    retryable: code === 429 || code >= 500,
    ...(wait !== undefined && { retryAfter: wait }),
  })
}

function wording(asked: Asked, { code }: Refusal, message: string): string {
  const what = `${asked.verb} ${inWords(asked)}`
  if (code === 401)
    return `the Kubernetes API does not know Talon's credentials (401 at ${what}): renew the kubeconfig or the service account's token`
  // A command over a WebSocket is `get` and `create` to the authorizer: it says which one is missing.
  const { verb } = UNAUTHORIZED.exec(message)?.groups ?? {}
  if (code === 403 && verb !== undefined) return `Talon may not ${verb} ${inWords(asked)}: ${message}; ${ROLE}`
  if (code === 403) return `the cluster does not let Talon ${what}: ${message}`
  if (code === 404) return `${inWords(asked)} is not there: ${message}`
  return `the Kubernetes API refused to ${what} (${code}): ${message}`
}

/** What an access review said no to, as the API would say it when it is done. */
export function denied(asked: Asked, reason: string): ActionError {
  const refusal: Refusal = { code: 403, reason: 'Forbidden', message: reason }
  return new ActionError(`Talon may not ${asked.verb} ${inWords(asked)}${reason && `: ${reason}`}; ${ROLE}`, {
    cause: refusal,
  })
}

/** No answer came. */
export function unreachable(asked: Asked, server: string, error: unknown): Error {
  if (TalonError.is(error)) return error
  const { message, tls } = connectionFault(error)
  const advice = tls ? '; its certificate is not trusted: check certificate-authority in the kubeconfig' : ''
  return new ActionError(
    `the Kubernetes API at ${server} cannot be reached (${asked.verb} ${inWords(asked)}): ${message}${advice}`,
    { cause: error, retryable: !tls },
  )
}
