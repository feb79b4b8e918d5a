import 'reflect-metadata' // @peculiar/x509 wants it
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import type { ActionError, Logger, Report } from '@talon/plugin'
import { checkPlugin, falcoEvent } from '@talon/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { binary } from '../../../tools/cluster/binaries.ts'
import { startMailpit, type Mailpit, type MailpitOptions } from '../../../tools/counterparts/mailpit.ts'
import plugin, { smtp } from './index.ts'
import { mailer, type Mailer } from './mailer.ts'

checkPlugin(plugin)

const missing = await binary('mailpit').then(
  () => undefined,
  (error: Error) => error.message,
)
if (missing) console.warn(`not run, the notifier smtp against a mail server: ${missing}`)

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const PEOPLE = 'Sécurité <security@example.org>, oncall@example.org'
const LOGIN = { user: 'talon', password: 'the-password-of-the-tests' }

const event = falcoEvent({ priority: 'Critical', fields: { 'k8s.pod.name': 'web-0', 'proc.cmdline': 'sh -c id' } })
const report: Report = {
  id: 'r1',
  stage: 'action',
  status: 'success',
  message: 'the pod is gone',
  rule: 'Terminate',
  action: 'kill it',
  actionner: 'kubernetes:terminate',
  dryRun: false,
  objects: { pod: 'web-0', namespace: 'default' },
  time: '2026-11-24T12:00:00.000Z',
  duration: 12.5,
  event,
  traceId: event.traceId,
}

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function open(settings: z.input<typeof mailer.settings> = {}): Promise<Mailer> {
  const client = await mailer.open(mailer.settings.parse(settings), { log })
  closing.push(() => client.close())
  return client
}

async function serve(options: MailpitOptions = {}): Promise<Mailpit> {
  const server = await startMailpit(options)
  closing.push(() => server.close())
  return server
}

type Given = Partial<z.input<typeof smtp.parameters>>
const { signal } = new AbortController()

function tell(
  client: Mailer,
  given: Given,
  reports: readonly [Report, ...Report[]] = [report],
  job: { signal?: AbortSignal; log?: Logger } = {},
) {
  const parameters = smtp.parameters.parse({ from: 'Talon <talon@example.org>', to: PEOPLE, ...given })
  return smtp.run({ reports, parameters, signal, log, ...job }, { mailer: client })
}

const failureOf = (sent: Promise<unknown>): Promise<ActionError> =>
  sent.then(
    () => Promise.reject(new Error('it was sent')),
    (error: ActionError) => error,
  )

describe.skipIf(missing)('a mail', () => {
  it('reaches everybody, as HTML and as text, and says what a person and a filter want to know', async () => {
    const server = await serve()
    const told = { ...report, output: 'uid=0(root)\n<b>', objects: { pod: 'web-0', namespace: 'default' } }
    const result = await tell(await open(), { host_port: `${server.host}:${server.port}` }, [told])
    expect(result.message).toMatch(/^mailed 2 through 127\.0\.0\.1:\d+, which answered 250 /)
    const [mail, ...more] = await server.mails()
    expect(more).toEqual([])
    expect(mail).toMatchObject({
      from: 'talon@example.org',
      to: ['security@example.org', 'oncall@example.org'],
      subject: '[falco] success: kill it (Terminate), pod web-0, namespace default',
      headers: {
        'Auto-Submitted': ['auto-generated'],
        'X-Talon-Status': ['success'],
        'X-Talon-Rule': ['Terminate'],
        'X-Talon-Actionner': ['kubernetes:terminate'],
        'X-Talon-Trace-Id': [event.traceId],
        'X-Falco-Priority': ['Critical'],
        Importance: ['High'],
        'Mime-Version': ['1.0'],
      },
    })
    expect(mail?.headers['Content-Type']?.[0]).toMatch(/^multipart\/alternative/)
    for (const part of [mail?.text ?? '', mail?.html ?? ''])
      for (const word of ['the pod is gone', 'Terminate', 'kill it', 'web-0', event.traceId, 'sh -c id', 'uid=0(root)'])
        expect(part).toContain(word)
    expect(mail?.text).toMatch(/^SUCCESS: kill it\n/)
    expect(mail?.text).toContain('  | <b>\n')
    expect(mail?.html).toContain('uid=0(root)\n&lt;b&gt;</pre>')
  })

  it('is plain text alone where that is wanted, and comes from whoever logs in where nobody else is named', async () => {
    const server = await serve({ login: { user: 'me@example.org', password: 'secret' } })
    const settings = { host_port: `${server.host}:${server.port}`, format: 'text', password: 'secret' } as const
    await tell(await open(), { ...settings, from: undefined, user: 'me@example.org' })
    const [mail] = await server.mails()
    expect(mail).toMatchObject({ html: '', from: 'me@example.org' })
    expect(mail?.headers['Content-Type']?.[0]).toMatch(/^text\/plain; charset=utf-8/)
  })

  it('shows what an attacker wrote, and does nothing that it says', async () => {
    const server = await serve()
    const nasty =
      '</td><script>alert(1)</script><img src="https://evil.example/x">\r\n\r\nBcc: all@example.org\u202e\u001b[31m'
    const hostile: Report = {
      ...report,
      status: 'failure',
      error: nasty,
      rule: `Rule\r\nBcc: bcc@example.org\r\n\r\n<h1>${'é'.repeat(100)}`,
      action: nasty,
      output: `fine\n.\r\nDATA\nSUCCESS: ${nasty}`,
      objects: { pod: nasty, '<b>': '<i>' },
      traceId: `0\r\nX-Forged: yes`,
      event: {
        ...event,
        rule: nasty,
        output: nasty,
        tags: [nasty],
        fields: { [nasty]: nasty, cut: 'x'.repeat(100_000) },
      },
    }
    await tell(await open(), { host_port: `${server.host}:${server.port}` }, [hostile])
    const [mail, ...more] = await server.mails()
    expect(more).toEqual([])
    expect(mail?.to).toEqual(['security@example.org', 'oncall@example.org'])
    expect(Object.keys(mail?.headers ?? {})).not.toEqual(expect.arrayContaining([expect.stringMatching(/bcc|forged/i)]))
    expect(mail?.subject).toContain('\\r\\n')
    const tags = 'html head meta title style body div h1 h2 p table tr th td pre'.split(' ')
    expect(tags).toEqual(expect.arrayContaining(Array.from(mail?.html.matchAll(/<(\w+)/g) ?? [], ([, tag]) => tag)))
    expect(mail?.html).not.toMatch(/<[^>]* (src|href|on\w+)=|url\(|@import/)
    expect(mail?.html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(mail?.html.match(/<h1>/g)).toHaveLength(1)
    for (const part of [mail?.html ?? '', mail?.text ?? '']) {
      // eslint-disable-next-line no-control-regex -- they are what must not be there
      expect(part).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/)
      expect(part).toContain('\\u{202e}\\u{1b}[31m')
      expect(part).toContain('… (99500 characters more)')
    }
    expect(mail?.text.split('\n').filter((line) => /^(SUCCESS|Bcc|DATA)/.test(line))).toEqual([])
    expect(mail?.raw.length).toBeLessThan(60_000)
  })

  it('bears the same Message-ID each time that the same is told, and refers to its event', async () => {
    const server = await serve()
    const client = await open()
    const settings = { host_port: `${server.host}:${server.port}` }
    await tell(client, settings)
    await tell(client, settings)
    await tell(client, settings, [{ ...report, id: 'r2' }])
    const mails = await server.mails()
    const [first, again, other] = mails.map(({ headers }) => String(headers['Message-Id']))
    expect(first).toMatch(/^<[0-9a-f]{40}@example\.org>$/)
    expect(again).toBe(first)
    expect(other).not.toBe(first)
    const threads = mails.map(({ headers }) => String(headers['References']))
    expect(threads[0]).toMatch(/^<[0-9a-f]{40}@example\.org>$/)
    expect(new Set(threads).size).toBe(1)
  })

  it('tells a burst in one mail, in short', async () => {
    const server = await serve()
    const many = Array.from({ length: smtp.batch }, (_, index): Report => ({
      ...report,
      id: `r${index}`,
      status: index % 4 ? 'success' : 'failure',
      action: `action ${index}`,
      output: 'y'.repeat(50_000),
      event: { ...event, output: 'z'.repeat(50_000) },
    }))
    await tell(await open(), { host_port: `${server.host}:${server.port}` }, many as [Report, ...Report[]])
    const [mail, ...more] = await server.mails()
    expect(more).toEqual([])
    expect(mail?.subject).toBe('[falco] 20 results: 5 failure, 15 success')
    expect(mail?.headers['X-Talon-Status']).toEqual(['failure, success'])
    for (let index = 0; index < many.length; index++) expect(mail?.text).toContain(`: action ${index}\n`)
    // Gmail hides what is beyond 102 KB.
    expect(mail?.html.length).toBeLessThan(102_000)
  })
})

describe.skipIf(missing)('a mail server', () => {
  it('is asked over one connection for one mail after the other, and told goodbye at the end', async () => {
    const connections: Socket[] = []
    const commands: string[] = []
    const port = await relay(
      (socket) => connections.push(socket),
      (command) => commands.push(command),
    )
    const client = await open()
    for (let index = 0; index < 5; index++) await tell(client, { host_port: `127.0.0.1:${port}` })
    expect(connections).toHaveLength(1)
    expect(commands.filter((command) => command.startsWith('DATA'))).toHaveLength(5)
    client.close()
    await expect.poll(() => connections[0]?.destroyed).toBe(true)
  })

  it('is spoken with over STARTTLS where its certificate is trusted, and not otherwise', async () => {
    const { ca_file, ...tls } = await certificates('localhost')
    const server = await serve({ tls: { ...tls, mode: 'required' }, login: LOGIN })
    const settings = { host_port: `localhost:${server.port}`, ...LOGIN, tls: true }
    await tell(await open({ ca_file }), settings)
    const wrong = await failureOf(tell(await open(), settings))
    expect(wrong).toMatchObject({ kind: 'action', retryable: false })
    expect(wrong.message).toContain('put the CA that signed its certificate into smtp.ca_file')
    expect(await server.mails()).toHaveLength(1)
  })

  it('is spoken with over TLS from the first byte', async () => {
    const { ca_file, ...tls } = await certificates('localhost')
    const server = await serve({ tls: { ...tls, mode: 'implicit' }, login: LOGIN })
    const settings = { host_port: `localhost:${server.port}`, ...LOGIN, implicit_tls: true }
    await tell(await open({ ca_file }), settings)
    expect(await server.mails()).toHaveLength(1)
    const wrong = await failureOf(tell(await open(), settings))
    expect(wrong).toMatchObject({ retryable: false, message: expect.stringContaining('smtp.ca_file') as string })
    const name = await failureOf(tell(await open({ ca_file }), { ...settings, host_port: `127.0.0.1:${server.port}` }))
    expect(name).toMatchObject({ retryable: false, message: expect.stringContaining('host_port') as string })
  })

  it('that offers TLS gets it, though nobody asked for it and nobody vouches for its certificate', async () => {
    const { ca_file, ...tls } = await certificates('localhost')
    const server = await serve({ tls: { ...tls, mode: 'required' } })
    await tell(await open(), { host_port: `localhost:${server.port}` })
    expect(await server.mails()).toHaveLength(1)
    const other = await certificates('localhost')
    const strict = tell(await open({ ca_file: other.ca_file }), { host_port: `localhost:${server.port}` })
    expect(await failureOf(strict)).toMatchObject({ retryable: false })
    await tell(await open({ ca_file }), { host_port: `localhost:${server.port}` })
  })

  it('that does not know the password is not asked again, and the password is not repeated', async () => {
    const server = await serve({ login: LOGIN })
    const settings = { host_port: `${server.host}:${server.port}`, user: 'talon', password: 'hunter2hunter2' }
    const error = await failureOf(tell(await open(), settings))
    expect(error).toMatchObject({ kind: 'action', retryable: false })
    expect(error.message).toMatch(
      /^127\.0\.0\.1:\d+ answered 535 .*check notifiers\.smtp\.user and notifiers\.smtp\.password/,
    )
    expect(`${error.message}${JSON.stringify(error)}`).not.toContain('hunter2')
    const none = await failureOf(tell(await open(), { host_port: `${server.host}:${server.port}` }))
    expect(none).toMatchObject({ retryable: false, message: expect.stringContaining('notifiers.smtp.user') as string })
  })

  it.each([
    ['Sender', 451, true, ''],
    ['Sender', 550, false, 'check notifiers.smtp.from'],
    ['Recipient', 452, true, ''],
    ['Recipient', 550, false, 'check notifiers.smtp.to'],
    ['Authentication', 454, true, ''],
    ['Authentication', 535, false, 'check notifiers.smtp.user'],
  ] as const)('that answers %s with %i may be asked again: %s', async (what, code, retryable, advice) => {
    const server = await serve({ login: LOGIN })
    await server.refuse(what, code)
    const client = await open()
    const settings = { host_port: `${server.host}:${server.port}`, ...LOGIN }
    const error = await failureOf(tell(client, settings))
    expect(error).toMatchObject({ kind: 'action', retryable })
    expect(error.message).toContain(`answered ${code}`)
    expect(error.message).toContain(advice)
    await server.refuse(what)
    await tell(client, settings)
    expect(await server.mails()).toHaveLength(1)
  })

  it('that refuses one of several people mails the others, and the log says whom it refused', async () => {
    const server = await serve({ recipients: /^security@/ })
    const warned: unknown[] = []
    const watching = { ...log, warn: (message: string, facts?: object) => void warned.push(message, facts) }
    const settings = { host_port: `${server.host}:${server.port}` }
    const { message } = await tell(await open(), settings, [report], { log: watching })
    expect(message).toContain('mailed 1 of 2')
    expect(await server.mails()).toHaveLength(1)
    expect(warned).toEqual([
      expect.any(String),
      expect.objectContaining({ refused: [expect.stringContaining('oncall@')] }),
    ])
  })
})

describe('a connection', () => {
  const sent: string[] = []
  const relayed = async (answer?: (command: string) => string | undefined) => {
    sent.length = 0
    return relay(
      () => {},
      (command) => sent.push(command),
      answer,
    )
  }

  it('without TLS to another machine is never told user and password, unless that is allowed', async () => {
    const port = await relayed((command) => (command === 'STARTTLS' ? '502 what?' : withLogin(command)))
    // Linux takes 0.0.0.0 for this machine, and no name for loopback says so.
    const settings = { host_port: `0.0.0.0:${port}`, ...LOGIN }
    const error = await failureOf(tell(await open(), settings))
    expect(error).toMatchObject({ retryable: false })
    expect(error.message).toContain('it offers no STARTTLS, and a password is sent over TLS alone')
    expect(sent.filter((command) => /^(AUTH|MAIL)/.test(command))).toEqual([])
    await tell(await open(), { ...settings, plaintext_auth: true })
    expect(sent).toContainEqual(expect.stringMatching(/^AUTH PLAIN /))
  })

  it('without TLS carries nothing where TLS is asked for', async () => {
    const port = await relayed((command) => (command === 'STARTTLS' ? '454 not now' : undefined))
    const error = await failureOf(tell(await open(), { host_port: `127.0.0.1:${port}`, tls: true }))
    expect(error).toMatchObject({ retryable: true, message: expect.stringContaining('454') as string })
    expect(sent).not.toContainEqual(expect.stringMatching(/^MAIL/))
  })

  it('that is taken for TLS and is none says which setting to change', async () => {
    const port = await relayed()
    const error = await failureOf(tell(await open(), { host_port: `127.0.0.1:${port}`, implicit_tls: true }))
    expect(error).toMatchObject({ retryable: false })
    expect(error.message).toContain('set notifiers.smtp.implicit_tls to false')
  })

  it('that nobody takes, that breaks or that stays silent may be tried again', async () => {
    const client = await open()
    const refused = await failureOf(tell(client, { host_port: '127.0.0.1:1' }))
    expect(refused).toMatchObject({ retryable: true, message: expect.stringContaining('ECONNREFUSED') as string })

    const broken = await relay(
      (socket) => socket.destroy(),
      () => {},
    )
    expect(await failureOf(tell(client, { host_port: `127.0.0.1:${broken}` }))).toMatchObject({
      retryable: true,
      message: expect.stringContaining('it closed the connection') as string,
    })

    const silent = await relayed((command) => (command.startsWith('DATA') ? '' : undefined))
    const late = tell(client, { host_port: `127.0.0.1:${silent}` }, [report], { signal: AbortSignal.timeout(200) })
    expect(await failureOf(late)).toMatchObject({
      retryable: true,
      message: expect.stringContaining('in time') as string,
    })
  })

  it('ends with the run that it is for, and the next mail gets another', async () => {
    const sockets: Socket[] = []
    const ending = new AbortController()
    const port = await relay(
      (socket) => sockets.push(socket),
      () => {},
      (command) => {
        if (!command.startsWith('MAIL') || sockets.length > 1) return undefined
        ending.abort(new Error('Talon is stopping'))
        return ''
      },
    )
    const client = await open()
    const settings = { host_port: `127.0.0.1:${port}` }
    await expect(tell(client, settings, [report], { signal: ending.signal })).rejects.toThrow('Talon is stopping')
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
    await tell(client, settings)
    expect(sockets).toHaveLength(2)
  })

  it('says no more than the beginning of what a server says, on one line and without the password', async () => {
    const words = `550 no ${Buffer.from(`\0talon\0${LOGIN.password}`).toString('base64')} ${LOGIN.password}\u001b[31m ${'x'.repeat(5000)}`
    const port = await relayed((command) => (command.startsWith('MAIL') ? words : withLogin(command)))
    const { message } = await failureOf(tell(await open(), { host_port: `127.0.0.1:${port}`, ...LOGIN }))
    expect(message).toMatch(
      /^127\.0\.0\.1:\d+ answered 550 no \*\*\* \*\*\*\\u\{1b\}\[31m x+… \(\d+ characters more\); /,
    )
    expect(message.length).toBeLessThan(600)
  })
})

const withLogin = (command: string) =>
  command.startsWith('EHLO') ? '250-relay\r\n250 AUTH PLAIN' : command.startsWith('AUTH') ? '235 welcome' : undefined

describe('settings', () => {
  const right = { host_port: 'mail.example.org:587', to: 'a@example.org' }

  it.each([
    [{ host_port: 'mail.example.org' }, 'is no host and port'],
    [{ host_port: 'mail.example.org:0' }, 'is no host and port'],
    [{ host_port: 'http://mail.example.org:25' }, 'is no host and port'],
    [{ to: ' , ' }, 'names no address'],
    [{ to: 'a@example.org, nobody' }, '\\"nobody\\" is no address'],
    [{ to: 'a@example.org\nBcc: b@example.org' }, 'is no address'],
    [{ to: Array.from({ length: 101 }, (_, index) => `a${index}@example.org`).join() }, 'use a mailing list'],
    [{ from: 'Talon' }, 'is no address'],
    [{ user: 'talon' }, 'is missing, and there is a user'],
    [{ from: 'Talon\r\nX: y <talon@example.org>' }, 'is no address'],
  ])('that cannot work are refused: %j', (given, words) => {
    expect(JSON.stringify(smtp.parameters.safeParse({ ...right, ...given }).error?.issues)).toContain(words)
  })

  it('take names, spaces and addresses of IPv6', () => {
    const read = smtp.parameters.parse({
      ...right,
      host_port: '[::1]:25',
      to: ' B<b@x.org> ,c@x.org,',
      from: 'É <e@x.org>',
    })
    expect(read).toMatchObject({
      host_port: { host: '::1', port: 25 },
      from: { name: 'É', address: 'e@x.org' },
      to: [
        { name: 'B', address: 'b@x.org' },
        { name: '', address: 'c@x.org' },
      ],
    })
  })

  it('of certificates that cannot be read are named when the client is opened', async () => {
    const empty = join(folder, 'empty')
    writeFileSync(empty, '')
    await expect(open({ ca_file: '/nowhere' })).rejects.toThrow('smtp.ca_file: ENOENT')
    await expect(open({ ca_file: empty })).rejects.toThrow('is no PEM file')
    await expect(open({ key_file: empty })).rejects.toThrow('cert_file and key_file belong together')
  })
})

/** Speaks just enough SMTP, without TLS, to see what a client does; a mock. */
async function relay(
  opened: (socket: Socket) => void,
  commanded: (command: string) => void,
  answer: (command: string) => string | undefined = () => undefined,
): Promise<number> {
  const server = createServer((socket) => {
    opened(socket)
    socket.on('error', () => {})
    socket.write('220 relay\r\n')
    let [inData, read] = [false, '']
    socket.on('data', (chunk) => {
      read += chunk.toString()
      for (let end = read.indexOf('\r\n'); end >= 0; end = read.indexOf('\r\n')) {
        const line = read.slice(0, end)
        read = read.slice(end + 2)
        if (inData && line !== '.') continue
        if (!inData) commanded(line)
        const verb = line.slice(0, 4)
        inData = verb === 'DATA'
        const said = answer(line)
        if (said !== '')
          socket.write(`${said ?? (inData ? '354 go on' : verb === 'EHLO' ? '250 relay' : '250 fine')}\r\n`)
        if (verb === 'QUIT') socket.end()
      }
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'talon-notifier-smtp-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Files of a CA of its own, and of a certificate that it issued. */
async function certificates(name: string): Promise<{ ca_file: string; cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const generate = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const [keys, own] = [await generate(), await generate()]
  const usual = {
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: algorithm,
  }
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...usual,
    name: 'CN=a CA of its own',
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  const issued = await x509.X509CertificateGenerator.create({
    ...usual,
    subject: `CN=${name}`,
    issuer: ca.subject,
    publicKey: own.publicKey,
    signingKey: keys.privateKey,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
  })
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', own.privateKey), 'PRIVATE KEY')
  const write = (file: string, text: string) => {
    const path = join(mkdtempSync(join(folder, 'pem-')), file)
    writeFileSync(path, text)
    return path
  }
  return {
    ca_file: write('ca.pem', ca.toString('pem')),
    cert: write('cert.pem', issued.toString('pem')),
    key: write('key.pem', key),
  }
}
