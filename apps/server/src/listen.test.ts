import { memoryJournal } from '@talon/core'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { ConfigError, type TalonError } from '@talon/plugin'
import { afterEach, expect, it, vi } from 'vitest'
import { createAuth } from './auth.ts'
import { createApp } from './http.ts'
import { listen, type Listening } from './listen.ts'

const refused = vi.fn()
const doors: Listening[] = []
/** Lets the events go that say `wait`. */
let release: (() => void) | undefined

async function open(port = 0, address = '127.0.0.1'): Promise<Listening> {
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const app = createApp({
    talon: {
      handle: (body) =>
        new Promise((resolve) => {
          const accept = () => resolve({ verdict: 'accepted', traceId: 'a'.repeat(32) })
          if (body === 'wait') release = accept
          else accept()
        }),
      ready: async () => ({ ready: true, problems: [] }),
    },
    metrics: { page: async () => '', contentType: 'text/plain' },
    reload: async () => [],
    journal: memoryJournal({ maxEvents: 10, now: () => 0 }),
    auth: createAuth(() => []),
    refused,
    log,
  })
  const door = await listen(app, { address, port, maxConnections: 100, refused })
  doors.push(door)
  return door
}
afterEach(async () => {
  refused.mockClear()
  for (const door of doors.splice(0)) await door.close()
})

/** Speaks to the port as no HTTP library would. */
async function raw({ port }: Listening, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

it.each([
  ['what is no HTTP', 'HELLO\r\n\r\n', 400],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ['a host that is none', 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400],
  ['too many headers', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
])('answers %s, counts it, and goes on', async (_, bytes, status) => {
  const door = await open()
  expect(await raw(door, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(refused).toHaveBeenCalledWith('malformed_http', expect.any(String))
  expect((await fetch(`http://127.0.0.1:${door.port}/healthz`)).status).toBe(200)
})

it('refuses a body that is declared too large before it is sent', async () => {
  const door = await open()
  const answer = await raw(door, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n{')
  expect(answer).toMatch(/^HTTP\/1.1 413 /)
})

it('survives a sender that goes away in the middle', async () => {
  const door = await open()
  const socket = connect(door.port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"rule"')
  await once(socket, 'connect')
  socket.destroy()
  await vi.waitFor(() => expect(refused).toHaveBeenCalledWith('aborted', expect.any(String)), { timeout: 10_000 })
  expect((await fetch(`http://127.0.0.1:${door.port}/healthz`)).status).toBe(200)
})

it('answers what is on its way before it closes', async () => {
  const door = await open()
  const answer = fetch(`http://127.0.0.1:${door.port}/`, { method: 'POST', body: new Uint8Array(Buffer.from('wait')) })
  await vi.waitFor(() => expect(release).toBeDefined())
  const closed = door.close()
  release?.()
  expect((await answer).status).toBe(202)
  await closed
  await expect(fetch(`http://127.0.0.1:${door.port}/healthz`)).rejects.toThrow('fetch failed')
})

it('says what to do where the port is taken, and where the address is not of this machine', async () => {
  const { port } = await open()
  const taken: TalonError = (await open(port).catch((error: unknown) => error as TalonError)) as TalonError
  expect(taken).toBeInstanceOf(ConfigError)
  expect(taken.message).toMatch(new RegExp(`port ${port} .*LISTEN_PORT`))
  await expect(open(0, '192.0.2.1')).rejects.toThrow(/listen_address '192.0.2.1'/)
})
