import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { health } from './health.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** A server that answers everything with a status, and the environment that names its port. */
async function serve(status: number): Promise<void> {
  const server = createServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  vi.stubEnv('LISTEN_PORT', String((server.address() as AddressInfo).port))
  onTestFinished(() => void server.close())
}

function errors(): () => string {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  return () => said.mock.calls.flat().join('\n')
}

it('is fine where the server of the settings is alive', async () => {
  await serve(200)
  expect(await health({})).toBe(0)
})

it('says what answers there instead', async () => {
  const said = errors()
  await serve(404)
  expect(await health({})).toBe(1)
  expect(said()).toMatch(/127\.0\.0\.1:\d+\/healthz answers 404/)
})

it('says where nobody answers', async () => {
  const said = errors()
  vi.stubEnv('LISTEN_PORT', '1')
  expect(await health({})).toBe(1)
  expect(said()).toMatch(/no server answers at http:\/\/127\.0\.0\.1:1\/healthz: .*ECONNREFUSED/)
})
