import { createPublicKey, generateKeyPairSync, randomUUID, verify } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

/** What the mock was asked. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly authorization: string
  readonly body: string
}

/** What a test makes it answer in place of its own answer. */
export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Milliseconds before it. */
  readonly after?: number
}

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
export const ACCOUNT = 'talon@evidence-1.iam.gserviceaccount.com'
export const PROJECT = 'evidence-1'

const decoded = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>

/**
 * A mock of the parts of Google Cloud that no emulator has: the token endpoint (which checks the assertion's RS256
 * signature and claims), the metadata server, the Cloud Functions API and a function (which check their tokens).
 */
export async function startGoogle() {
  const asked: Asked[] = []
  const overrides: { path: RegExp; answer: Answer }[] = []
  const accessTokens = new Set<string>()
  const audiences = new Map<string, string>()
  const server = createServer((request, response) => {
    void answerOf(request).then(async ({ status, body = {}, headers = {}, after = 0 }) => {
      await new Promise((resolve) => setTimeout(resolve, after))
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  /** The function that the API knows; `gen1` is one of the first generation. */
  const functionUrl = `${url}/run/isolate`

  async function answerOf(request: IncomingMessage): Promise<Answer> {
    const { method = '', url: path = '', headers } = request
    const { authorization = '' } = headers
    const body = await text(request)
    asked.push({ method, path, authorization, body })
    const index = overrides.findIndex((override) => override.path.test(path))
    if (index >= 0) return overrides.splice(index, 1)[0]?.answer ?? { status: 500 }
    if (path === '/token') return token(new URLSearchParams(body))
    if (path === '/sts') return exchange(new URLSearchParams(body))
    if (path.startsWith('/v1/projects/-/serviceAccounts/')) return impersonate(path, authorization, body)
    if (path.startsWith('/computeMetadata/v1/')) return metadata(path, headers['metadata-flavor'] === 'Google')
    if (path.startsWith('/v2/')) return functions(path, authorization)
    if (path.startsWith('/run/')) return run(path, authorization, body)
    return { status: 404, body: { error: { code: 404, message: `nothing at ${path}` } } }
  }

  function token(form: URLSearchParams): Answer {
    if (form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === 'refresh-1')
      return { status: 200, body: { access_token: access(), expires_in: 3600, token_type: 'Bearer' } }
    const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.')
    const refused = (error_description: string) => ({
      status: 400,
      body: { error: 'invalid_grant', error_description },
    })
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return refused('unknown grant type')
    const signed = Buffer.from(`${head}.${claims}`)
    if (
      decoded(head)['alg'] !== 'RS256' ||
      !verify('RSA-SHA256', signed, createPublicKey(publicKey), Buffer.from(signature, 'base64url'))
    )
      return refused('Invalid JWT Signature.')
    const { iss, aud, exp, iat, scope, target_audience } = decoded(claims)
    if (iss !== ACCOUNT || aud !== 'https://oauth2.googleapis.com/token') return refused('Invalid issuer or audience.')
    const now = Date.now() / 1000
    if (Number(exp) < now || Math.abs(Number(iat) - now) > 300)
      return refused('Token must be a short-lived token (60 minutes) and in a reasonable timeframe.')
    if (typeof target_audience === 'string') return { status: 200, body: { id_token: identity(target_audience) } }
    if (scope !== 'https://www.googleapis.com/auth/cloud-platform') return refused('Invalid scope.')
    return { status: 200, body: { access_token: access(), expires_in: 3600, token_type: 'Bearer' } }
  }
  /** Workload identity federation: another provider's token for one of Google. */
  function exchange(form: URLSearchParams): Answer {
    if (form.get('subject_token') !== 'token-of-elsewhere')
      return { status: 400, body: { error: 'invalid_grant', error_description: 'The subject token was not taken' } }
    return {
      status: 200,
      body: { access_token: access(), issued_token_type: 'x', token_type: 'Bearer', expires_in: 3600 },
    }
  }
  function impersonate(path: string, authorization: string, body: string): Answer {
    if (!accessTokens.has(authorization.replace('Bearer ', ''))) return { status: 401 }
    const expireTime = new Date(Date.now() + 3_600_000).toISOString()
    if (path.endsWith(`${ACCOUNT}:generateAccessToken`))
      return { status: 200, body: { accessToken: access(), expireTime } }
    if (path.endsWith(`${ACCOUNT}:generateIdToken`))
      return { status: 200, body: { token: identity((JSON.parse(body) as { audience: string }).audience) } }
    return { status: 404 }
  }
  function access(): string {
    const token = `ya29.${randomUUID()}`
    accessTokens.add(token)
    return token
  }
  function identity(audience: string): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const token = `${part({ alg: 'RS256' })}.${part({ aud: audience, exp: Date.now() / 1000 + 3600 })}.${randomUUID()}`
    audiences.set(token, audience)
    return token
  }
  function metadata(path: string, asks: boolean): Answer {
    const headers = { 'metadata-flavor': 'Google' }
    if (!asks) return { status: 403, headers }
    if (path.includes('/token')) return { status: 200, headers, body: { access_token: access(), expires_in: 3600 } }
    if (path.includes('/identity'))
      return { status: 200, headers, body: identity(new URL(path, url).searchParams.get('audience') ?? '') }
    if (path.includes('/project-id'))
      return { status: 200, headers: { ...headers, 'content-type': 'application/text' }, body: PROJECT }
    return { status: 200, headers }
  }
  function functions(path: string, authorization: string): Answer {
    if (!accessTokens.has(authorization.replace('Bearer ', '')))
      return { status: 401, body: { error: { code: 401, message: 'Request had invalid authentication credentials.' } } }
    const known = `/v2/projects/${PROJECT}/locations/us-central1/functions/`
    if (path === `${known}isolate`)
      return {
        status: 200,
        body: { name: path, state: 'ACTIVE', url: `${url}/other`, serviceConfig: { uri: functionUrl } },
      }
    if (path === `${known}gen1`)
      return { status: 200, body: { name: path, state: 'ACTIVE', environment: 'GEN_1', url: `${url}/run/gen1` } }
    if (path === `${known}queued`) return { status: 200, body: { name: path, state: 'DEPLOYING' } }
    return {
      status: 404,
      body: { error: { code: 404, message: `Resource '${path.slice(4)}' was not found`, status: 'NOT_FOUND' } },
    }
  }
  function run(path: string, authorization: string, body: string): Answer {
    const audience = audiences.get(authorization.replace('Bearer ', ''))
    if (audience !== url + path) return { status: 401, body: 'Unauthorized' }
    return { status: 200, body: `did ${body.length}` }
  }

  return {
    url,
    functionUrl,
    asked,
    /** Whether it gave this token for access. */
    knows: (authorization: string) => accessTokens.has(authorization.replace('Bearer ', '')),
    /** Answers the next request whose path matches with this. */
    answer: (path: RegExp, answer: Answer) => void overrides.push({ path, answer }),
    /** Writes a service account's file whose tokens come from here. */
    writeCredentials(file: string, over: object = {}): string {
      const account = {
        type: 'service_account',
        project_id: PROJECT,
        private_key_id: 'k1',
        private_key: privateKey,
        client_email: ACCOUNT,
        client_id: '1',
        token_uri: `${url}/token`,
        ...over,
      }
      writeFileSync(file, JSON.stringify(account))
      return file
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
