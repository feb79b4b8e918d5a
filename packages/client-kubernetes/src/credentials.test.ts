import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { Agent, ProxyAgent, request } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createConnection, type Connection } from './connection.ts'
import { createCredentials } from './credentials.ts'

const { signal } = new AbortController()

let folder: string
let server: Server
let seen: string[]
let valid: string
let clock: number
let connection: Connection | undefined

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'talon-credentials-'))
  seen = []
  clock = 0
  valid = 'first'
  server = createServer(({ headers: { authorization = 'none' } }, response) => {
    seen.push(authorization)
    const known = authorization === `Bearer ${valid}`
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(known ? {} : { kind: 'Status', code: 401, reason: 'Unauthorized', message: 'Unauthorized' }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  await connection?.close()
  server.close()
  rmSync(folder, { recursive: true })
})

const file = (name: string) => join(folder, name)
function writeConfig(user: object): void {
  const { port } = server.address() as AddressInfo
  const config = {
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'u', user }],
  }
  writeFileSync(file('config'), JSON.stringify(config))
}
function connect(): Connection {
  const options = { path: file('config'), env: {}, make: () => new KubeConfig(), parse, now: () => clock }
  return (connection = createConnection(createCredentials(options), { Agent, ProxyAgent, request }))
}
const ask = (from: Connection, until = signal) =>
  from.json({ verb: 'get', resource: 'pods', path: '/api/v1/pods', method: 'GET', signal: until })

describe('credentials', () => {
  it('in a file beside the kubeconfig are taken, and again when the file changes', async () => {
    writeFileSync(file('token'), 'first\n')
    writeConfig({ tokenFile: 'token' })
    const to = connect()
    await ask(to)
    writeFileSync(file('token'), 'the second\n')
    valid = 'the second'
    clock += 6000
    await ask(to)
    expect(seen).toEqual(['Bearer first', 'Bearer the second'])
  })

  it('that were rotated before anyone looked are read again at the first refusal', async () => {
    writeConfig({ token: 'first' })
    const to = connect()
    await ask(to)
    writeConfig({ token: 'second' })
    valid = 'second'
    clock += 2000
    await ask(to)
    expect(seen).toEqual(['Bearer first', 'Bearer first', 'Bearer second'])
  })

  it('that stay refused are refused once more and no longer', async () => {
    writeConfig({ token: 'wrong' })
    const to = connect()
    clock += 2000
    await expect(ask(to)).rejects.toMatchObject({
      kind: 'action',
      message: expect.stringContaining('renew the kubeconfig') as string,
    })
    expect(seen).toHaveLength(2)
  })

  it('stay as they were while the kubeconfig is half written', async () => {
    writeConfig({ token: 'first' })
    const to = connect()
    writeFileSync(file('config'), '{ "clusters": [')
    clock += 6000
    await ask(to)
    expect(seen).toEqual(['Bearer first'])
  })

  it('that a program should give, and does not, are an error that says so', async () => {
    writeConfig({
      exec: { apiVersion: 'client.authentication.k8s.io/v1', command: file('none'), interactiveMode: 'Never' },
    })
    await expect(ask(connect())).rejects.toMatchObject({
      kind: 'action',
      message: expect.stringContaining('cannot be had') as string,
    })
    expect(seen).toEqual([])
  })

  it('that a program is slow to give are not waited for any longer than the job', async () => {
    const [begun, enough] = [file('begun'), file('enough')]
    const script = `touch ${begun}; until [ -e ${enough} ]; do sleep 0.02; done`
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] }
    writeConfig({ exec: { ...exec, interactiveMode: 'Never' } })
    const job = new AbortController()
    const asking = ask(connect(), job.signal)
    await expect.poll(() => existsSync(begun)).toBe(true)
    job.abort(new Error('Talon is stopping'))
    await expect(asking.finally(() => writeFileSync(enough, ''))).rejects.toThrow('Talon is stopping')
  })
})

it('a refusal without end is read to its beginning', async () => {
  writeConfig({})
  server.removeAllListeners('request').on('request', (_, response) => {
    response.writeHead(502)
    const more = () => void (response.destroyed || response.write('no such gateway '.repeat(4000), more))
    more()
  })
  await expect(ask(connect())).rejects.toMatchObject({
    retryable: true,
    message: expect.stringContaining('(502): no such gateway') as string,
  })
})
