import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serve, type Running } from './serve.ts'

const EVENT = JSON.stringify({ rule: 'Shell', priority: 'Notice', output_fields: { a: 1 } })
let folder: string
let ended: AbortController
let running: Running | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'talon-door-'))
  ended = new AbortController()
})
afterEach(async () => {
  ended.abort()
  await running?.stopped
  running = undefined
  rmSync(folder, { recursive: true })
})

const at = (name: string) => join(folder, name)

async function open(config: string): Promise<Running> {
  writeFileSync(
    at('rules.yaml'),
    '- rule: Answer\n  dry_run: true\n  actions: [{ action: Act, actionner: "kubernetes:cordon" }]\n',
  )
  writeFileSync(
    at('config.yaml'),
    `listen_address: 127.0.0.1\nlisten_port: 0\nlog_format: json\nkubeconfig: ${at('kubeconfig')}\n${config.replaceAll('{folder}', folder)}`,
  )
  const kubeconfig = {
    clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    users: [{ name: 'u', user: {} }],
    'current-context': 'c',
  }
  writeFileSync(at('kubeconfig'), JSON.stringify(kubeconfig))
  const env = { XDG_STATE_HOME: folder }
  running = await serve({ configPath: at('config.yaml'), rulesPaths: [at('rules.yaml')], env, signal: ended.signal })
  return running
}

const JSON_TYPE = { 'content-type': 'application/json' }
const post = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', body: EVENT, headers: { ...JSON_TYPE, ...headers } })
const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})

async function until(what: () => Promise<boolean>): Promise<void> {
  for (let left = 200; !(await what()); left--) {
    if (!left) throw new Error('it never came')
    await sleep(50)
  }
}

describe('clients in the settings', () => {
  it('are asked at every route but the probes, and each may do what its roles say', async () => {
    const { url } = await open(`auth:
  clients:
    - { name: falco, password: open-sesame }
    - { name: prometheus, token: scrape-me, roles: [read] }
    - { name: soc, token: act-now, roles: [read, act] }
`)
    const status = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      (await fetch(`${url}${path}`, { method, headers })).status
    const [reader, actor] = [{ authorization: 'Bearer scrape-me' }, { authorization: 'Bearer act-now' }]
    expect([await status('/healthz'), (await post(url)).status]).toEqual([200, 401])
    expect((await post(url, basic('falco', 'open-sesame'))).status).toBe(202)
    expect((await post(url, reader)).status).toBe(403)
    expect([await status('/metrics'), await status('/metrics', reader)]).toEqual([401, 200])
    expect([await status('/-/journal'), await status('/-/journal', reader)]).toEqual([401, 200])
    expect([await status('/-/reload', reader, 'POST'), await status('/-/reload', actor, 'POST')]).toEqual([403, 200])
    expect((await post(url, basic('falco', 'wrong'))).status).toBe(401)
  })

  it('have their secrets read again when the files change', async () => {
    writeFileSync(at('password'), 'first\n')
    const { url } = await open('auth: { clients: [{ name: falco, password_file: "{folder}/password" }] }\n')
    expect((await post(url, basic('falco', 'first'))).status).toBe(202)
    writeFileSync(at('password'), 'second\n')
    await until(async () => (await post(url, basic('falco', 'second'))).ok)
    expect((await post(url, basic('falco', 'first'))).status).toBe(401)
  })

  it('end the start where they have nothing to prove themselves by', async () => {
    await expect(open('auth: { clients: [{ name: falco }] }\n')).rejects.toThrow(/falco has nothing to prove itself by/)
    await expect(open('auth: { clients: [{ name: falco, token_file: /nowhere }] }\n')).rejects.toThrow(/ENOENT/)
  })
})

/** A CA, and certificates that it signs. */
function certificates() {
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  run(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=ca',
    '-days',
    '2',
  )
  return (name: string, subject: string, days = '2') => {
    run(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${subject}`,
    )
    writeFileSync(at('ext'), 'subjectAltName=IP:127.0.0.1')
    run(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      days,
      '-extfile',
      'ext',
      '-out',
      `${name}.pem`,
    )
  }
}

/** Posts an event over TLS, with a client certificate where one is named; gives the status and the server's name. */
function postTls(url: string, client?: string): Promise<{ status: number; server: string }> {
  const identity = client ? { cert: readFileSync(at(`${client}.pem`)), key: readFileSync(at(`${client}.key`)) } : {}
  return new Promise((resolve, reject) => {
    let server = ''
    const asked = request(
      url,
      { method: 'POST', headers: JSON_TYPE, ca: readFileSync(at('ca.pem')), agent: false, ...identity },
      (answer) => {
        answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0, server }))
      },
    )
    asked.on('socket', (socket) =>
      socket.once(
        'secureConnect',
        () =>
          (server = (socket as never as { getPeerCertificate(): { subject: { CN: string } } }).getPeerCertificate()
            .subject.CN),
      ),
    )
    asked.on('error', reject).end(EVENT)
  })
}

describe('HTTPS', () => {
  const tls =
    'tls: { cert_file: "{folder}/server.pem", key_file: "{folder}/server.key", client_ca_file: "{folder}/ca.pem" }\n'

  it('lets in who shows the certificate that is asked for, and nobody else', async () => {
    const issue = certificates()
    for (const [name, subject] of [
      ['server', 'talon'],
      ['falco', 'falco'],
      ['other', 'other'],
    ] as const)
      issue(name, subject)
    issue('late', 'falco', '-1')
    const { url } = await open(`${tls}auth: { clients: [{ name: node, certificate: falco }] }\n`)
    expect(url).toMatch(/^https:/)
    const statuses = await Promise.all(
      ['falco', 'other', 'late', undefined].map(async (who) => (await postTls(url, who)).status),
    )
    expect(statuses).toEqual([202, 401, 401, 401])
  })

  it('takes a new certificate while it runs, and keeps the old one where the new one is none', async () => {
    const issue = certificates()
    issue('server', 'first')
    const { url } = await open(tls)
    expect(await postTls(url)).toEqual({ status: 202, server: 'first' })
    writeFileSync(at('server.pem'), 'nonsense')
    await sleep(500)
    expect((await postTls(url)).server).toBe('first')
    issue('server', 'second')
    await until(async () => (await postTls(url)).server === 'second')
    expect([200, 202]).toContain((await postTls(url)).status)
  })
})

describe('a flood', () => {
  it('of ten thousand bad requests leaves good ones served', async () => {
    const { url } = await open('auth: { clients: [{ name: falco, password: open-sesame }] }\n')
    const port = Number(new URL(url).port)
    const bad = [
      'GARBAGE\r\n\r\n',
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n`,
      `POST / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}',
    ]
    let answered = 0
    const attack = (index: number) =>
      new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(bad[index % bad.length] ?? ''))
        socket
          .on('data', () => answered++)
          .on('error', () => {})
          .on('close', () => resolve())
        socket.setTimeout(20_000, () => socket.destroy())
      })
    let next = 0
    const attackers = Array.from({ length: 50 }, async () => {
      while (next < 10_000) await attack(next++)
    })
    const good: number[] = []
    const done = Promise.all(attackers)
    const over = new AbortController()
    void done.then(() => over.abort())
    while (!over.signal.aborted) {
      good.push((await post(url, basic('falco', 'open-sesame'))).status)
      await sleep(20)
    }
    await done
    expect(good.length).toBeGreaterThan(10)
    expect(good.filter((status) => status !== 202 && status !== 200)).toEqual([])
    expect(answered).toBeGreaterThan(9_000)
  })

  it('of connections beyond the limit is closed, and counted', async () => {
    const { url } = await open('max_connections: 20\n')
    const port = Number(new URL(url).port)
    const sockets = Array.from({ length: 60 }, () => connect(port, '127.0.0.1').on('error', () => {}))
    await until(
      async () =>
        sockets.filter((socket) => socket.destroyed || socket.readyState === 'closed' || socket.readableEnded).length >=
        40,
    )
    for (const socket of sockets) socket.destroy()
    await until(async () => (await fetch(`${url}/metrics`).catch(() => undefined))?.ok ?? false)
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
      /refused_request_total\{[^}]*reason="too_many"[^}]*\} [1-9]/,
    )
  })
})
