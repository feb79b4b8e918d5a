import type { KindOf } from './kinds.ts'

/** A refusal in the API server's own words. */
export interface Refusal {
  readonly code: number
  /** Missing where the API server says none, as in most of its 500. */
  readonly reason?: string
  readonly message: string
  readonly details?: object
  /** Seconds. */
  readonly retryAfter?: number
  /** Answered as text, as kubelet does. */
  readonly plain?: boolean
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
export function statusOf({ code, reason, message, details, retryAfter }: Refusal): object {
  const all = retryAfter === undefined ? details : { ...details, retryAfterSeconds: retryAfter }
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason && { reason }),
    ...(all && { details: all }),
    code,
  }
}

/** What an object is called in a refusal's details. */
const detailsOf = (group: string, kind: string, name: string) => ({
  ...(name && { name }),
  ...(group && { group }),
  kind,
})

// Refusals, each in the API server's own words; `fixtures/refusals.json` holds what it said.

/** `pods`, `deployments.apps`: a resource as the API server names it in messages. */
const resourceOf = ({ plural, group }: KindOf) => (group ? `${plural}.${group}` : plural)
/** `Pod`, `Deployment.apps`: a kind as the API server names it in messages. */
const kindOf = ({ kind, group }: KindOf) => (group ? `${kind}.${group}` : kind)

export const notFound = (kind: KindOf, name: string) =>
  new ApiError({
    code: 404,
    reason: 'NotFound',
    message: `${resourceOf(kind)} "${name}" not found`,
    details: detailsOf(kind.group, kind.plural, name),
  })

export const alreadyExists = (kind: KindOf, name: string) =>
  new ApiError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${resourceOf(kind)} "${name}" already exists`,
    details: detailsOf(kind.group, kind.plural, name),
  })

/** An update that came too late. */
export const conflict = (kind: KindOf, name: string, why: string) =>
  new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${resourceOf(kind)} "${name}": ${why}`,
    details: detailsOf(kind.group, kind.plural, name),
  })

/** A deletion whose precondition does not hold. The API server (1.36) names the kind here, where an update's conflict names the resource. */
export const preconditionFailed = (kind: KindOf, name: string, why: string) =>
  new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${kindOf(kind)} "${name}": ${why}`,
    details: detailsOf(kind.group, kind.kind, name),
  })

export const badRequest = (message: string) => new ApiError({ code: 400, reason: 'BadRequest', message })

export const noSuchPath = () =>
  new ApiError({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  })

export const methodNotAllowed = () =>
  new ApiError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  })

export const unsupportedMediaType = (accepted: readonly string[]) =>
  new ApiError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  })

/** What is wrong with one field of an object. */
export interface Cause {
  readonly field: string
  readonly reason: string
  readonly message: string
}

// What may be wrong with a field: https://pkg.go.dev/k8s.io/apimachinery/pkg/util/validation/field#ErrorType

export const wrongValue = (field: string, value: unknown, why: string): Cause => ({
  field,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
})

export const forbidden = (field: string, why: string): Cause => ({
  field,
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${why}`,
})

export const required = (field: string, why?: string): Cause => ({
  field,
  reason: 'FieldValueRequired',
  message: why === undefined ? 'Required value' : `Required value: ${why}`,
})

export const duplicate = (field: string, value: string): Cause => ({
  field,
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${JSON.stringify(value)}`,
})

export const unsupportedValue = (field: string, value: unknown, supported: readonly string[]): Cause => ({
  field,
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((each) => JSON.stringify(each)).join(', ')}`,
})

/** A refusal of an object, or of a request's options, with everything that is wrong. */
export function invalid(kind: Pick<KindOf, 'kind' | 'group'>, name: string, causes: readonly Cause[]): ApiError {
  const said = causes.map(({ field, message }) => `${field}: ${message}`)
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${kind.group ? `${kind.kind}.${kind.group}` : kind.kind} "${name}" is invalid: ${said.length > 1 ? `[${said.join(', ')}]` : said.join('')}`,
    details: { ...detailsOf(kind.group, kind.kind, name), causes },
  })
}
