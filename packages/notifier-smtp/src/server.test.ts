import { report } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import { createAuthority } from '../../client-http/testing/authority.ts'
import { missingServer, startServer } from '../testing/server.ts'
import { failureOf, LOGIN, openMailer, tell } from '../testing/tell.ts'

const missing = await missingServer()

/** The file of a CA of its own, and files of a certificate of localhost that it issued. */
async function authority() {
  const { ca_file, issue } = await createAuthority()
  const { cert_file: cert, key_file: key } = await issue('localhost')
  return { ca_file, cert, key }
}

describe.skipIf(missing)('a mail server', () => {
  it('is spoken with over STARTTLS where its certificate is trusted, and not otherwise', async () => {
    const { ca_file, ...tls } = await authority()
    const server = await startServer({ tls: { ...tls, mode: 'required' }, login: LOGIN })
    const settings = { host_port: `localhost:${server.port}`, ...LOGIN, tls: true }
    await tell(await openMailer({ ca_file }), settings)
    const wrong = await failureOf(tell(await openMailer(), settings))
    expect(wrong).toMatchObject({ kind: 'action', retryable: false })
    expect(wrong.message).toContain('put the CA that signed its certificate into smtp.ca_file')
    expect(await server.mails()).toHaveLength(1)
  })

  it('is spoken with over TLS from the first byte', async () => {
    const { ca_file, ...tls } = await authority()
    const server = await startServer({ tls: { ...tls, mode: 'implicit' }, login: LOGIN })
    const settings = { host_port: `localhost:${server.port}`, ...LOGIN, implicit_tls: true }
    await tell(await openMailer({ ca_file }), settings)
    expect(await server.mails()).toHaveLength(1)
    const wrong = await failureOf(tell(await openMailer(), settings))
    expect(wrong).toMatchObject({ retryable: false, message: expect.stringContaining('smtp.ca_file') as string })
    const name = await failureOf(
      tell(await openMailer({ ca_file }), { ...settings, host_port: `127.0.0.1:${server.port}` }),
    )
    expect(name).toMatchObject({ retryable: false, message: expect.stringContaining('host_port') as string })
  })

  it('that offers TLS gets it, though nobody asked for it and nobody vouches for its certificate', async () => {
    const { ca_file, ...tls } = await authority()
    const server = await startServer({ tls: { ...tls, mode: 'required' } })
    await tell(await openMailer(), { host_port: `localhost:${server.port}` })
    expect(await server.mails()).toHaveLength(1)
    const other = await authority()
    const strict = tell(await openMailer({ ca_file: other.ca_file }), { host_port: `localhost:${server.port}` })
    expect(await failureOf(strict)).toMatchObject({ retryable: false })
    await tell(await openMailer({ ca_file }), { host_port: `localhost:${server.port}` })
  })

  it('that does not know the password is not asked again, and the password is not repeated', async () => {
    const server = await startServer({ login: LOGIN })
    const settings = { host_port: server.host_port, user: 'talon', password: 'hunter2hunter2' }
    const error = await failureOf(tell(await openMailer(), settings))
    expect(error).toMatchObject({ kind: 'action', retryable: false })
    expect(error.message).toMatch(
      /^127\.0\.0\.1:\d+ answered 535 .*check notifiers\.smtp\.user and notifiers\.smtp\.password/,
    )
    expect(`${error.message}${JSON.stringify(error)}`).not.toContain('hunter2')
    const none = await failureOf(tell(await openMailer(), { host_port: server.host_port }))
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
    const server = await startServer({ login: LOGIN })
    await server.refuse(what, code)
    const client = await openMailer()
    const settings = { host_port: server.host_port, ...LOGIN }
    const error = await failureOf(tell(client, settings))
    expect(error).toMatchObject({ kind: 'action', retryable })
    expect(error.message).toContain(`answered ${code}`)
    expect(error.message).toContain(advice)
    await server.refuse(what)
    await tell(client, settings)
    expect(await server.mails()).toHaveLength(1)
  })

  it('that refuses one of several people mails the others, and the log says whom it refused', async () => {
    const server = await startServer({ recipients: /^security@/ })
    const warned: unknown[] = []
    const watching = {
      debug() {},
      info() {},
      error() {},
      warn: (message: string, facts?: object) => void warned.push(message, facts),
    }
    const settings = { host_port: server.host_port }
    const { message } = await tell(await openMailer(), settings, [report()], { log: watching })
    expect(message).toContain('mailed 1 of 2')
    expect(await server.mails()).toHaveLength(1)
    expect(warned).toEqual([
      expect.any(String),
      expect.objectContaining({ refused: [expect.stringContaining('oncall@')] }),
    ])
  })
})
