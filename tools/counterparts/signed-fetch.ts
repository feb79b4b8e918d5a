import { createHash, createHmac } from 'node:crypto'

/** Where an S3 server is, and who asks it. */
export interface S3Access {
  readonly url: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
}

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const hash = (text: string) => createHash('sha256').update(text).digest('hex')

export interface SignedInit {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * One request to an S3 server, signed by hand: AWS Signature Version 4, as
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html writes it down.
 */
export function signedFetch(
  { url, region, accessKey, secretKey }: S3Access,
  path: string,
  { method = 'GET', headers = {}, body = '' }: SignedInit = {},
): Promise<Response> {
  const { host, pathname, searchParams } = new URL(path, url)
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
  const signed: Record<string, string> = { ...headers, host, 'x-amz-content-sha256': hash(body), 'x-amz-date': time }
  const names = Object.keys(signed).toSorted()
  const query = [...searchParams]
    .map((pair) => pair.map(encode).join('='))
    .toSorted()
    .join('&')
  const lines = names.map((name) => `${name}:${signed[name]}\n`).join('')
  const request = [method, pathname, query, lines, names.join(';'), hash(body)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${secretKey}`)
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, hash(request)].join('\n')).toString('hex')
  const { host: _, ...sent } = signed
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return fetch(new URL(path, url), { method, headers: { ...sent, authorization }, ...(body && { body }) })
}

/** RFC 3986: what `encodeURIComponent` leaves open is encoded too. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
