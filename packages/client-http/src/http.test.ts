import { createServer, type RequestListener } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { failureOf } from '../testing/failure.ts'
import { listen } from '../testing/listen.ts'
import { openHttp } from '../testing/open.ts'
import type { HttpRequest } from './http.ts'

const never = new AbortController().signal
const serve = async (answer: RequestListener) => `http://127.0.0.1:${await listen(createServer(answer))}`

const ask = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  url,
  method: 'POST',
  signal: never,
  ...more,
})

describe('http', () => {
  it('sends method, headers and body, keeps connections and gives back what was answered', async () => {
    const seen: unknown[] = []
    const ports = new Set<number | undefined>()
    const url = await serve(async (request, response) => {
      ports.add(request.socket.remotePort)
      seen.push([request.method, request.url, request.headers['x-a'], await text(request)])
      response.writeHead(202).end('thanks')
    })
    const client = await openHttp()
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
    const error = await failureOf((await openHttp()).send(ask(url)))
    expect(error).toMatchObject({ kind: 'action', retryable, retryAfter: undefined })
    expect(error.message).toContain(`${url} answered ${status} `)
  })

  it('hands on Retry-After, in seconds or as a date', async () => {
    let header = '7'
    const url = await serve((_, response) => void response.writeHead(429, { 'Retry-After': header }).end())
    const client = await openHttp()
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
    const error = await failureOf((await openHttp()).send(sent))
    expect(error.message.length).toBeLessThan(400)
    expect(error.message).toMatch(/^http:\/\/127\.0\.0\.1:\d+ answered 403 Forbidden: \*\*\* /)
    expect(`${error.message} ${JSON.stringify(error)}`).not.toMatch(
      // eslint-disable-next-line no-control-regex -- escape characters are what must not be there
      /topsecret|alsosecret|passw0rd|headersecret|[\n\u001b]|dXNlcjpwYXNzdzByZA/,
    )
  })

  it('sends the user and password of a URL as basic authentication', async () => {
    const url = await serve((request, response) => void response.end(request.headers.authorization))
    const { body } = await (await openHttp()).send(ask(url.replace('//', '//me:a%20b@')))
    expect(body).toBe(`Basic ${Buffer.from('me:a b').toString('base64')}`)
  })

  it('does not follow redirects', async () => {
    const url = await serve((_, response) => void response.writeHead(301, { Location: 'http://127.0.0.1:1' }).end())
    const error = await failureOf((await openHttp()).send(ask(url)))
    expect(error).toMatchObject({ retryable: false })
    expect(error.message).toContain('redirects are not followed')
  })

  it('reads a bounded part of an answer', async () => {
    const url = await serve((_, response) => void response.end('y'.repeat(1_000_000)))
    expect((await (await openHttp()).send(ask(url))).body).toBe('y'.repeat(65_536))
  })

  it('gives up after its timeout, and may try again', async () => {
    const url = await serve(() => {})
    const error = await failureOf((await openHttp({ timeout: 0.05 })).send(ask(url)))
    expect(error).toMatchObject({ retryable: true, message: `${url} did not answer within 0.05 s (http.timeout)` })
  })

  it("may try again after the run's own timeout, and ends with the reason of every other end", async () => {
    const url = await serve(() => {})
    const client = await openHttp()
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
    const client = await openHttp()
    expect(await failureOf(client.send(ask(`http://127.0.0.1:${port}`)))).toMatchObject({ retryable: true })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    const refused = await failureOf(client.send(ask(`http://127.0.0.1:${port}/secretpath`)))
    expect(refused.retryable).toBe(true)
    expect(refused.message).toBe(`http://127.0.0.1:${port} cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}`)
  })

  it.each(['', 'nowhere', 'file:///etc/passwd', 'http://'])(
    'takes no %j for an address, and does not repeat it',
    async (url) => {
      const error = await failureOf((await openHttp()).send(ask(url)))
      expect(error.kind).toBe('config')
      expect(error.message.trim()).toBe('the url is none of http:// or https://')
      expect(error.cause).toBeUndefined()
    },
  )
})
