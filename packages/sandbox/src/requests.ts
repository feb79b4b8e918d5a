import { parse as parseYaml } from 'yaml'
import type { KindOf } from './kinds.ts'
import type { KubeObject } from './objects.ts'
import { badRequest, invalid, unsupportedMediaType, type Cause } from './status.ts'

/** One request to the API, taken apart. */
export interface Call {
  readonly method: string
  readonly kind: KindOf
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
  readonly query: URLSearchParams
  /** Without parameters. */
  readonly contentType: string
  /** What the body holds; undefined where it is empty. */
  readonly body: unknown
  /** Who writes: the query's fieldManager, else the client's name. */
  readonly manager: string
}

export interface Answer {
  readonly code: number
  /** Text and bytes go as they are, all else as JSON. */
  readonly body: unknown
}

/** The options of a deletion, from the body or, where there is none, from the query. */
export interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: string
  readonly dryRun?: readonly string[]
}

/** Reads a body of JSON or YAML. @throws ApiError 400 */
export function parseBody(text: string, contentType: string): unknown {
  if (text.trim() === '') return undefined
  // Refused later, by whoever knows what is accepted.
  if (contentType && !/(json|yaml)$/.test(contentType)) return text
  try {
    return contentType.endsWith('yaml')
      ? (parseYaml(text, { version: '1.1' }) as unknown)
      : (JSON.parse(text) as unknown)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw badRequest(`the object provided is unrecognized: couldn't get version/kind; json parse error: ${why}`)
  }
}

const BODIES = ['application/json', 'application/yaml']

/** The object in a body that is to be stored whole. @throws ApiError 400 or 415 where it is no object, or one of another kind */
export function objectOf({ kind, body, contentType }: Call): KubeObject {
  if (contentType && !BODIES.includes(contentType))
    throw unsupportedMediaType([...BODIES, 'application/vnd.kubernetes.protobuf'])
  return checkKind(kind, body)
}

/** @throws ApiError 400 where the body is no object, or one of another kind */
export function checkKind({ kind, group, version }: KindOf, body: unknown): KubeObject {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind`)
  const object = body as Partial<KubeObject>
  const own = group ? `${group}/${version}` : version
  if ((object.kind ?? kind) !== kind || (object.apiVersion ?? own) !== own)
    throw badRequest(
      `${object.kind ?? kind} in version "${object.apiVersion ?? own}" cannot be handled as a ${kind}: no such conversion`,
    )
  return { ...object, metadata: { ...(object.metadata ?? { name: '' }) } }
}

/** Whether nothing is to be stored. @throws ApiError 422 */
export function isDry({ query, method }: Call, options: DeleteOptions = {}): boolean {
  const asked = [...query.getAll('dryRun'), ...(options.dryRun ?? [])]
  if (asked.every((value) => value === 'All')) return asked.length > 0
  const kind = method === 'POST' ? 'CreateOptions' : (OPTIONS[method] ?? 'UpdateOptions')
  throw unsupported(kind, 'dryRun', JSON.stringify(asked), ['All'])
}

const OPTIONS: Readonly<Record<string, string>> = { PATCH: 'PatchOptions', DELETE: 'DeleteOptions' }

/** @throws ApiError 422 */
export function deleteOptionsOf({ body, query }: Call): DeleteOptions {
  const grace = query.get('gracePeriodSeconds')
  const policy = query.get('propagationPolicy')
  const options: DeleteOptions =
    (body as DeleteOptions | undefined) ??
    ({
      ...(grace !== null && { gracePeriodSeconds: Number(grace) }),
      ...(policy !== null && { propagationPolicy: policy }),
    } satisfies DeleteOptions)
  const policies = ['Foreground', 'Background', 'Orphan']
  if (options.propagationPolicy !== undefined && !policies.includes(options.propagationPolicy))
    throw unsupported('DeleteOptions', 'propagationPolicy', JSON.stringify(options.propagationPolicy), [
      ...policies,
      'nil',
    ])
  return options
}

function unsupported(kind: string, field: string, value: string, supported: readonly string[]) {
  const values = supported.map((each) => JSON.stringify(each)).join(', ')
  const message = `Unsupported value: ${value}: supported values: ${values}`
  return optionsInvalid(kind, { field, reason: 'FieldValueNotSupported', message })
}

/** A refusal of a request's options. */
export const optionsInvalid = (kind: string, cause: Cause) => invalid({ kind, group: 'meta.k8s.io' }, '', [cause])
