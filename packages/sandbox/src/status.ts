import type { KindOf } from './kinds.ts'

/** A refusal in the API server's own words. */
export interface Refusal {
  readonly code: number
  /** The real server leaves it out of a few, which it did not expect itself. */
  readonly reason?: string
  readonly message: string
  readonly details?: object
  /** Seconds. */
  readonly retryAfter?: number
  /** Answered as text, as what is not part of the API is. */
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

/** `pods`, `deployments.apps`: a resource, or a kind, as the API server names it in messages. */
const qualified = (name: string, group: string) => (group ? `${name}.${group}` : name)

const details = (name: string, group: string, kind: string) => ({
  ...(name && { name }),
  ...(group && { group }),
  kind,
})

export const notFound = ({ plural, group }: KindOf, name: string) =>
  new ApiError({
    code: 404,
    reason: 'NotFound',
    message: `${qualified(plural, group)} "${name}" not found`,
    details: details(name, group, plural),
  })

export const alreadyExists = ({ plural, group }: KindOf, name: string) =>
  new ApiError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${qualified(plural, group)} "${name}" already exists`,
    details: details(name, group, plural),
  })

export const conflict = ({ plural, group }: Pick<KindOf, 'plural' | 'group'>, name: string, why: string) =>
  new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualified(plural, group)} "${name}": ${why}`,
    details: details(name, group, plural),
  })

/** A precondition of a deletion that does not hold: there, the server names the kind, not the resource. */
export const unmet = ({ kind, group }: KindOf, name: string, why: string) =>
  conflict({ plural: kind, group }, name, why)

export const badRequest = (message: string) => new ApiError({ code: 400, reason: 'BadRequest', message })

export const noSuchPath = () =>
  new ApiError({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  })

/** What is no part of the API: groups and versions that nobody serves, too. */
export const notServed = () => new ApiError({ code: 404, message: '404 page not found\n', plain: true })

export const methodNotAllowed = () =>
  new ApiError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  })

/** Of a body, or of a patch where the server lists what it takes. */
export const unknownFormat = (accepted: readonly string[]) =>
  new ApiError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  })

export const tooLarge = (limit: number) =>
  new ApiError({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: limit is ${limit}`,
  })

/** The namespace is on its way out, and takes nothing new. */
export const terminating = ({ plural, group }: KindOf, name: string, namespace: string) =>
  new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: `${qualified(plural, group)} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    details: {
      ...details(name, group, plural),
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  })

/** What is wrong with one field of an object. */
export interface Cause {
  readonly field: string
  readonly reason: string
  readonly message: string
}

/** Causes as the API server words them. */
export const wrong = {
  value: (field: string, value: unknown, why: string): Cause => ({
    field,
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
  }),
  required: (field: string, why?: string): Cause => ({
    field,
    reason: 'FieldValueRequired',
    message: why ? `Required value: ${why}` : 'Required value',
  }),
  forbidden: (field: string, why: string): Cause => ({
    field,
    reason: 'FieldValueForbidden',
    message: `Forbidden: ${why}`,
  }),
  duplicate: (field: string, value: string): Cause => ({
    field,
    reason: 'FieldValueDuplicate',
    message: `Duplicate value: ${JSON.stringify(value)}`,
  }),
  unsupported: (field: string, value: unknown, supported: readonly string[]): Cause => ({
    field,
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((each) => `"${each}"`).join(', ')}`,
  }),
}

export function invalid(
  { kind, group }: Pick<KindOf, 'kind' | 'group'>,
  name: string,
  causes: readonly Cause[],
): ApiError {
  const said = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))]
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${qualified(kind, group)} "${name}" is invalid: ${said.length > 1 ? `[${said.join(', ')}]` : said.join()}`,
    details: { ...details(name, group, kind), causes },
  })
}

/** Options of a request (`CreateOptions` and its like) that are wrong. */
export const invalidOptions = (kind: string, cause: Cause) => invalid({ kind, group: 'meta.k8s.io' }, '', [cause])

/** The answer to what left nothing to show. */
export const success = ({ plural, group }: KindOf, name: string, uid = '') => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: { ...details(name, group, plural), uid },
})

/** An object of another kind or version than the path wants. */
export function mismatch(wanted: KindOf, found: { readonly apiVersion: string; readonly kind: string }): ApiError {
  const head = `${found.kind} in version "${found.apiVersion.split('/').at(-1)}" cannot be handled as a ${wanted.kind}`
  const inner = wanted.group.split('.')[0] || 'core'
  return badRequest(
    found.kind === wanted.kind
      ? `${head}: no kind "${found.kind}" is registered for version "${found.apiVersion}" in scheme "pkg/runtime/scheme.go:111"`
      : `${head}: converting (${found.apiVersion.replace(/^.*\//, '')}.${found.kind}) to (${inner}.${wanted.kind}): unknown conversion`,
  )
}
