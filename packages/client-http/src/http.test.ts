import 'reflect-metadata' // @peculiar/x509 wants it
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TalonError, type ActionError } from '@talon/plugin'
import * as x509 from '@peculiar/x509'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { z } from 'zod'
import { unreachable } from './failure.ts'
import { http, type Http, type HttpRequest } from './http.ts'

const never = new AbortController().signal
const log = { debug() {}, info() {}, warn() {}, error() {} }
const closing: (() => unknown)[] = []

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closing.splice(0).toReversed()) await close()
})

async function open(settings: z.input<typeof http.settings> = {}): Promise<Http> {
  const client = await http.open(http.settings.parse(settings), { log })
  closing.push(() => client.close())
  return client
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

const serve = async (answer: RequestListener) => `http://127.0.0.1:${await listen(createServer(answer))}`

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

const ask = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  url,
  method: 'POST',
  signal: never,
  ...more,
})

async function failureOf(sent: Promise<unknown>): Promise<ActionError> {
  const error: unknown = await sent.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!TalonError.is(error)) throw new Error(`no error of Talon: ${String(error)}`)
  return error as ActionError
}

describe('http', () => {
  it('sends method, headers and body, keeps connections and gives back what was answered', async () => {
    const seen: unknown[] = []
    const ports = new Set<number | undefined>()
    const url = await serve(async (request, response) => {
      ports.add(request.socket.remotePort)
      seen.push([request.method, request.url, request.headers['x-a'], await bodyOf(request)])
      response.writeHead(202).end('thanks')
    })
    const client = await open()
    const bodies = Array.from({ length: 20 }, (_, index) => `body ${index}`)
    for (const body of bodies)
      expect(await client.send(ask(`${url}/x?y`, { method: 'PUT', headers: { 'x-a': 'b' }, body }))).toEqual({
        status: 202,
        body: 'thanks',
      })
    expect(seen).toEqual(bodies.map((body) => ['PUT', '/x?y', 'b', body]))
    expect(ports.size).toBeLessThanOrEqual(2)
  })

  it.each([
    [400, false],
    [401, false],
    [404, false],
    [429, true],
    [500, true],
    [503, true],
  ])('takes %i as an error that may be tried again: %s', async (status, retryable) => {
    const url = await serve((_, response) => void response.writeHead(status).end('no'))
    const error = await failureOf((await open()).send(ask(url)))
    expect(error).toMatchObject({ kind: 'action', retryable, retryAfter: undefined })
    expect(error.message).toContain(`${url} answered ${status} `)
  })

  it('hands on Retry-After, in seconds or as a date', async () => {
    let header = '7'
    const url = await serve((_, response) => void response.writeHead(429, { 'Retry-After': header }).end())
    const client = await open()
    expect((await failureOf(client.send(ask(url)))).retryAfter).toBe(7000)
    header = new Date(Date.now() + 3_600_000).toUTCString()
    const wait = (await failureOf(client.send(ask(url)))).retryAfter
    expect(wait).toBeGreaterThan(3_000_000)
    expect(wait).toBeLessThanOrEqual(3_600_000)
    header = 'soon'
    expect((await failureOf(client.send(ask(url)))).retryAfter).toBeUndefined()
  })

  it('shows of a failed request its origin and a short, clean piece of the answer, and none of its secrets', async () => {
    const url = await serve((request, response) => {
      response.writeHead(403)
      response.end(`${request.url} ${request.headers.authorization}\u001b[31m\nSet-Log: forged ${'x'.repeat(5000)}`)
    })
    const secret = '/services/T0001/B0002/topsecrettoken?key=alsosecret'
    const sent = ask(url.replace('//', '//user:passw0rd@') + secret, { headers: { 'x-key': 'headersecret' } })
    const error = await failureOf((await open()).send(sent))
    expect(error.message.length).toBeLessThan(400)
    expect(error.message).toMatch(/^http:\/\/127\.0\.0\.1:\d+ answered 403 Forbidden: \*\*\* /)
    expect(`${error.message} ${JSON.stringify(error)}`).not.toMatch(
      // eslint-disable-next-line no-control-regex -- escape characters are what must not be there
      /topsecret|alsosecret|passw0rd|headersecret|[\n\u001b]|dXNlcjpwYXNzdzByZA/,
    )
  })

  it('sends the user and password of a URL as basic authentication', async () => {
    const url = await serve((request, response) => void response.end(request.headers.authorization))
    const { body } = await (await open()).send(ask(url.replace('//', '//me:a%20b@')))
    expect(body).toBe(`Basic ${Buffer.from('me:a b').toString('base64')}`)
  })

  it('does not follow redirects', async () => {
    const url = await serve((_, response) => void response.writeHead(301, { Location: 'http://127.0.0.1:1' }).end())
    const error = await failureOf((await open()).send(ask(url)))
    expect(error).toMatchObject({ retryable: false })
    expect(error.message).toContain('redirects are not followed')
  })

  it('reads a bounded part of an answer', async () => {
    const url = await serve((_, response) => void response.end('y'.repeat(1_000_000)))
    expect((await (await open()).send(ask(url))).body).toBe('y'.repeat(65_536))
  })

  it('gives up after its timeout, and may try again', async () => {
    const url = await serve(() => {})
    const error = await failureOf((await open({ timeout: 0.05 })).send(ask(url)))
    expect(error).toMatchObject({ retryable: true, message: `${url} did not answer within 0.05 s (http.timeout)` })
  })

  it("may try again after the run's own timeout, and ends with the reason of every other end", async () => {
    const url = await serve(() => {})
    const client = await open()
    expect(await failureOf(client.send(ask(url, { signal: AbortSignal.timeout(20) })))).toMatchObject({
      retryable: true,
    })
    const ending = new AbortController()
    const sent = client.send(ask(url, { signal: ending.signal }))
    ending.abort(new Error('Talon is stopping'))
    await expect(sent).rejects.toThrow('Talon is stopping')
  })

  it('may try again where nobody listens or the connection breaks', async () => {
    const server = createServer((request) => void request.socket.destroy())
    const port = await listen(server)
    const client = await open()
    expect(await failureOf(client.send(ask(`http://127.0.0.1:${port}`)))).toMatchObject({ retryable: true })
    await closing.shift()?.()
    const refused = await failureOf(client.send(ask(`http://127.0.0.1:${port}/secretpath`)))
    expect(refused.retryable).toBe(true)
    expect(refused.message).toBe(`http://127.0.0.1:${port} cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}`)
  })

  it.each(['', 'nowhere', 'file:///etc/passwd', 'http://'])(
    'takes no %j for an address, and does not repeat it',
    async (url) => {
      const error = await failureOf((await open()).send(ask(url)))
      expect(error.kind).toBe('config')
      expect(error.message.trim()).toBe('the url is none of http:// or https://')
      expect(error.cause).toBeUndefined()
    },
  )
})

describe('http through a proxy', () => {
  async function proxy(): Promise<{ url: string; seen: string[] }> {
    const seen: string[] = []
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization']}`)
      response.end('by proxy')
    })
    server.on('connect', (request, socket) => {
      seen.push(`CONNECT ${request.url} ${request.headers['proxy-authorization']}`)
      const [host, port] = (request.url ?? '').split(':')
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        onward.pipe(socket).pipe(onward)
      })
      for (const end of [socket, onward]) end.on('error', () => onward.destroy())
    })
    return { url: `http://me:pw@127.0.0.1:${await listen(server)}`, seen }
  }
  const credentials = `Basic ${Buffer.from('me:pw').toString('base64')}`

  it('takes the proxy of the environment, and goes past it for NO_PROXY', async () => {
    const { url, seen } = await proxy()
    const direct = await serve((_, response) => void response.end('direct'))
    vi.stubEnv('http_proxy', url)
    vi.stubEnv('no_proxy', '')
    const client = await open()
    expect((await client.send(ask('http://hooks.example/a'))).body).toBe('by proxy')
    expect(seen).toEqual([`POST http://hooks.example/a ${credentials}`])
    vi.stubEnv('no_proxy', '127.0.0.1')
    expect((await client.send(ask(direct))).body).toBe('direct')
  })

  it('prefers the proxy of its settings, and tunnels TLS through it', async () => {
    const { url, seen } = await proxy()
    vi.stubEnv('https_proxy', 'http://127.0.0.1:1')
    vi.stubEnv('no_proxy', '')
    const { port, ca_file } = await tlsServer()
    const client = await open({ proxy: url, ca_file })
    expect((await client.send(ask(`https://localhost:${port}/`))).body).toBe('secure')
    expect(seen).toEqual([`CONNECT localhost:${port} ${credentials}`])
  })

  it('does not repeat what is wrong with a proxy', async () => {
    const error = await failureOf(open({ proxy: 'me:hunter22@proxy' }))
    expect(error.kind).toBe('config')
    expect(error.message).not.toContain('hunter22')
  })
})

describe('http over TLS', () => {
  it('trusts its own CA, and says what to set where it does not', async () => {
    const { port, ca_file } = await tlsServer()
    expect((await (await open({ ca_file })).send(ask(`https://localhost:${port}`))).body).toBe('secure')
    const error = await failureOf((await open()).send(ask(`https://localhost:${port}`)))
    expect(error).toMatchObject({ kind: 'action', retryable: false })
    expect(error.message).toContain('put the CA that signed its certificate into http.ca_file')
  })

  it('does not trust a certificate of another name', async () => {
    const { port, ca_file } = await tlsServer()
    const error = await failureOf((await open({ ca_file })).send(ask(`https://127.0.0.1:${port}`)))
    expect(error).toMatchObject({ kind: 'action', retryable: false })
  })

  it('shows its certificate where one is wanted', async () => {
    const { port, ca_file } = await tlsServer({ requestCert: true, rejectUnauthorized: true, ca: authority.pem })
    const { cert_file, key_file } = await files(await authority.issue('talon'))
    const client = await open({ ca_file, cert_file, key_file })
    expect((await client.send(ask(`https://localhost:${port}`))).body).toBe('secure')
    const other = (await open({ ca_file })).send(ask(`https://localhost:${port}`))
    expect(await failureOf(other)).toMatchObject({ kind: 'action' })
  })

  it.each([
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'set http.cert_file and http.key_file'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'is its url an http:// one?'],
    ['CERT_HAS_EXPIRED', 'the words of the library'],
  ])('takes %s for final: %s', (code, words) => {
    const thrown = Object.assign(new Error('the words of the library'), { code })
    const error = unreachable(new URL('https://example.org/secret'), thrown)
    expect(error).toMatchObject({ retryable: false, message: expect.stringContaining(words) as string })
    expect(error.message).not.toContain('secret')
  })

  it('names the setting whose file is missing, empty or lonely', async () => {
    const { key_file } = await files(await authority.issue('talon'))
    await writeFile(join(folder, 'empty'), '')
    await expect(open({ ca_file: '/nowhere' })).rejects.toThrow('http.ca_file: ENOENT')
    await expect(open({ ca_file: join(folder, 'empty') })).rejects.toThrow('is no PEM file')
    await expect(open({ key_file })).rejects.toThrow('cert_file and key_file belong together')
  })
})

interface Issued {
  readonly cert: string
  readonly key: string
}

let folder = ''
let authority: { readonly pem: string; issue(name: string): Promise<Issued> }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'talon-client-http-'))
  authority = await certificateAuthority()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function tlsServer(options: ServerOptions = {}): Promise<{ port: number; ca_file: string }> {
  const server = createTlsServer({ ...(await authority.issue('localhost')), ...options }, (_, response) => {
    response.end('secure')
  })
  const ca_file = join(folder, 'ca.pem')
  await writeFile(ca_file, authority.pem)
  return { port: await listen(server), ca_file }
}

async function files({ cert, key }: Issued): Promise<{ cert_file: string; key_file: string }> {
  const [cert_file, key_file] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(cert_file, cert)
  await writeFile(key_file, key)
  return { cert_file, key_file }
}

/** A CA of this test alone. */
async function certificateAuthority() {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const generate = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const valid = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 86_400_000) }
  const keys = await generate()
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...valid,
    name: 'CN=a CA of its own',
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  return {
    pem: ca.toString('pem'),
    async issue(name: string): Promise<Issued> {
      const own = await generate()
      const certificate = await x509.X509CertificateGenerator.create({
        ...valid,
        subject: `CN=${name}`,
        issuer: ca.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
      })
      const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', own.privateKey), 'PRIVATE KEY')
      return { cert: certificate.toString('pem'), key }
    },
  }
}
