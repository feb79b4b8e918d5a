/** A refusal in the API server's own words. */
export interface Refusal {
  readonly code: number
  readonly reason: string
  readonly message: string
  readonly details?: object
  /** Seconds. */
  readonly retryAfter?: number
}

/** Thrown by a handler, answered as a Status object. */
export class ApiError extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

/** The body of a refusal: `kind: Status`. */
export function statusOf({ code, reason, message, details }: Refusal): object {
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }
  return details ? { ...body, details } : body
}

/** `pods`, `deployments.apps`: a resource as the API server names it in messages. */
export const qualified = (plural: string, group: string) => (group ? `${plural}.${group}` : plural)

export const notFound = (resource: string, name: string) =>
  new ApiError({
    code: 404,
    reason: 'NotFound',
    message: `${resource} "${name}" not found`,
    details: { name, kind: resource },
  })

export const alreadyExists = (resource: string, name: string) =>
  new ApiError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${resource} "${name}" already exists`,
    details: { name, kind: resource },
  })

export const conflict = (resource: string, name: string, why: string) =>
  new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${resource} "${name}": ${why}`,
    details: { name, kind: resource },
  })

export const badRequest = (message: string) => new ApiError({ code: 400, reason: 'BadRequest', message })

export const noSuchPath = () =>
  new ApiError({ code: 404, reason: 'NotFound', message: 'the server could not find the requested resource' })

export const methodNotAllowed = () =>
  new ApiError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
  })

/** What is wrong with one field of an object. */
export interface Cause {
  readonly field: string
  readonly reason: string
  readonly message: string
}

export const invalid = (kind: string, name: string, causes: readonly Cause[]) =>
  new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${kind} "${name}" is invalid: ${causes.map(({ field, message }) => `${field}: ${message}`).join(', ')}`,
    details: { name, kind, causes },
  })
