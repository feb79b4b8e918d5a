import 'reflect-metadata' // @peculiar/x509 wants it
import { once } from 'node:events'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import * as x509 from '@peculiar/x509'
import { KubeConfig } from '@kubernetes/client-node'
import { Agent, ProxyAgent, request } from 'undici'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createConnection, type Connection } from './connection.ts'
import { createCredentials } from './credentials.ts'

const { signal } = new AbortController()
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const valid = { notBefore: new Date('2020-01-01'), notAfter: new Date('2100-01-01') }

/** A certificate of that name, signed by itself. */
async function issue(name: string) {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...valid,
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  })
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { cert: certificate.toString('pem'), key }
}

let folder: string
let server: Server
let connections: number
let users: string[]
let clock: number
let authority: string
let connection: Connection

const base64 = (text: string) => Buffer.from(text).toString('base64')
async function writeConfig(user: string): Promise<void> {
  const { cert, key } = await issue(user)
  const { port } = server.address() as AddressInfo
  const config = {
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    clusters: [
      { name: 'c', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': base64(authority) } },
    ],
    users: [{ name: 'u', user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) } }],
  }
  writeFileSync(join(folder, 'config'), JSON.stringify(config))
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'talon-tls-'))
  connections = 0
  users = []
  clock = 0
  const { cert, key } = await issue('api')
  authority = cert
  server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false }, ({ socket }, response) => {
    users.push(String((socket as TLSSocket).getPeerCertificate().subject?.CN))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  server.on('secureConnection', () => connections++)
  await once(server, 'listening')
  await writeConfig('first')
  const path = join(folder, 'config')
  const credentials = createCredentials({ path, env: {}, make: () => new KubeConfig(), parse, now: () => clock })
  connection = createConnection(credentials, { Agent, ProxyAgent, request })
})
afterEach(async () => {
  await connection.close()
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

const ask = () => connection.json({ verb: 'get', resource: 'pods', path: '/api/v1/pods', method: 'GET', signal })

it('keeps its TLS connections: requests that follow each other make no handshake of their own', async () => {
  for (let n = 0; n < 50; n++) await ask()
  expect(users).toHaveLength(50)
  // The second request may come before the first connection is free.
  expect(connections).toBeLessThanOrEqual(2)
})

it('shows a renewed certificate once the kubeconfig has it, on a connection of its own', async () => {
  await ask()
  await writeConfig('renewed')
  utimesSync(join(folder, 'config'), new Date(), new Date(Date.now() + 1000))
  await ask()
  clock += 60_000
  await ask()
  expect(users).toEqual(['first', 'first', 'renewed'])
  expect(connections).toBe(2)
})

it('says what to do about a server that it does not trust', async () => {
  authority = (await issue('somebody else')).cert
  await writeConfig('first')
  utimesSync(join(folder, 'config'), new Date(), new Date(Date.now() + 2000))
  clock += 60_000
  await expect(ask()).rejects.toMatchObject({
    kind: 'action',
    retryable: false,
    message: expect.stringContaining('check certificate-authority in the kubeconfig') as string,
  })
})
