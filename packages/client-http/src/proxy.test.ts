import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createAuthority } from '../testing/authority.ts'
import { failureOf } from '../testing/failure.ts'
import { listen } from '../testing/listen.ts'
import { openHttp } from '../testing/open.ts'

const ask = (url: string) => ({ url, method: 'POST', signal: new AbortController().signal }) as const
afterEach(() => void vi.unstubAllEnvs())

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
    const direct = `http://127.0.0.1:${await listen(createServer((_, response) => void response.end('direct')))}`
    vi.stubEnv('http_proxy', url)
    vi.stubEnv('no_proxy', '')
    const client = await openHttp()
    expect((await client.send(ask('http://hooks.example/a'))).body).toBe('by proxy')
    expect(seen).toEqual([`POST http://hooks.example/a ${credentials}`])
    vi.stubEnv('no_proxy', '127.0.0.1')
    expect((await client.send(ask(direct))).body).toBe('direct')
  })

  it('prefers the proxy of its settings, and tunnels TLS through it', async () => {
    const { url, seen } = await proxy()
    vi.stubEnv('https_proxy', 'http://127.0.0.1:1')
    vi.stubEnv('no_proxy', '')
    const { ca_file, issue } = await createAuthority()
    const { cert, key } = await issue('localhost')
    const port = await listen(createTlsServer({ cert, key }, (_, response) => void response.end('secure')))
    const client = await openHttp({ proxy: url, ca_file })
    expect((await client.send(ask(`https://localhost:${port}/`))).body).toBe('secure')
    expect(seen).toEqual([`CONNECT localhost:${port} ${credentials}`])
  })

  it('does not repeat what is wrong with a proxy', async () => {
    const error = await failureOf(openHttp({ proxy: 'me:hunter22@proxy' }))
    expect(error.kind).toBe('config')
    expect(error.message).not.toContain('hunter22')
  })
})
