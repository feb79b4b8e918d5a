import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** A key that the mock of AWS knows. */
export interface AwsKey {
  readonly secret: string
  /** Of a session. */
  readonly token?: string
  /** Epoch milliseconds at which the session ends. */
  readonly until?: number
}

/** What is wrong with a request's signature, by the names that AWS has for it. */
export type Flaw =
  | 'MissingAuthenticationToken'
  | 'IncompleteSignature'
  | 'UnknownKey'
  | 'Expired'
  | 'Skewed'
  | 'Region'
  | 'Signature'

/** What a request is checked against. */
export interface Lock {
  readonly keys: ReadonlyMap<string, AwsKey>
  readonly service: string
  readonly region: string
  /** Epoch milliseconds, by AWS's clock. */
  readonly now: number
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/
/** AWS allows five minutes. */
const SKEW = 5 * 60_000

const hash = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/**
 * Computes the signature anew, with nothing of the SDK: AWS Signature Version 4, as
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html writes it down.
 * @returns the key that signed it, or what is wrong with it
 */
export function verify(
  request: IncomingMessage,
  body: Buffer,
  { keys, service, region, now }: Lock,
): { key: string } | { flaw: Flaw } {
  const { authorization } = request.headers
  if (!authorization) return { flaw: 'MissingAuthenticationToken' }
  const [, id = '', day = '', place = '', what = '', names = '', given = ''] = AUTHORIZATION.exec(authorization) ?? []
  const header = (name: string) =>
    String(request.headers[name] ?? '')
      .trim()
      .replaceAll(/ +/g, ' ')
  const time = header('x-amz-date')
  const signed = names.split(';')
  // Whatever says who asks, when and where must be under the signature.
  const needed = ['host', ...Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'))]
  if (!given || needed.some((name) => !signed.includes(name))) return { flaw: 'IncompleteSignature' }
  const key = keys.get(id)
  if (!key || key.token !== request.headers['x-amz-security-token']) return { flaw: 'UnknownKey' }
  if ((key.until ?? Infinity) <= now) return { flaw: 'Expired' }
  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Math.abs(at - now) <= SKEW)) return { flaw: 'Skewed' }
  if (place !== region) return { flaw: 'Region' }
  if (day !== time.slice(0, 8) || what !== service) return { flaw: 'Signature' }

  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://mock')
  const query = [...searchParams]
    .map((pair) => pair.map(encode).join('='))
    .toSorted()
    .join('&')
  const path = pathname.split('/').map(encode).join('/')
  const lines = signed.map((name) => `${name}:${header(name)}\n`).join('')
  const canonical = [request.method, path, query, lines, names, hash(body)].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const secret = scope.split('/').reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${key.secret}`)
  const wanted = hmac(secret, ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n'))
  return timingSafeEqual(wanted, Buffer.from(given, 'hex')) ? { key: id } : { flaw: 'Signature' }
}

/** RFC 3986: what `encodeURIComponent` leaves open is encoded too. A path is encoded twice: as sent, and once more. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
