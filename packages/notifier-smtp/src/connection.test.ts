import { report } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import { startRelay, withLogin } from '../testing/relay.ts'
import { failureOf, LOGIN, openMailer, tell } from '../testing/tell.ts'

describe('a connection', () => {
  it('carries one mail after the other, and is told goodbye at the end', async () => {
    const { host_port, commands, sockets } = await startRelay()
    const client = await openMailer()
    for (let index = 0; index < 5; index++) await tell(client, { host_port })
    expect(sockets).toHaveLength(1)
    expect(commands.filter((command) => command.startsWith('DATA'))).toHaveLength(5)
    client.close()
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
  })

  it('without TLS to another machine is never told user and password, unless that is allowed', async () => {
    const { host_port, commands } = await startRelay((said) => (said === 'STARTTLS' ? '502 what?' : withLogin(said)))
    // Linux takes 0.0.0.0 for this machine, and no name for loopback says so.
    const settings = { host_port: host_port.replace('127.0.0.1', '0.0.0.0'), ...LOGIN }
    const error = await failureOf(tell(await openMailer(), settings))
    expect(error).toMatchObject({ retryable: false })
    expect(error.message).toContain('it offers no STARTTLS, and a password is sent over TLS alone')
    expect(commands.filter((command) => /^(AUTH|MAIL)/.test(command))).toEqual([])
    await tell(await openMailer(), { ...settings, plaintext_auth: true })
    expect(commands).toContainEqual(expect.stringMatching(/^AUTH PLAIN /))
  })

  it('without TLS carries nothing where TLS is asked for', async () => {
    const { host_port, commands } = await startRelay((said) => (said === 'STARTTLS' ? '454 not now' : undefined))
    const error = await failureOf(tell(await openMailer(), { host_port, tls: true }))
    expect(error).toMatchObject({ retryable: true, message: expect.stringContaining('454') as string })
    expect(commands).not.toContainEqual(expect.stringMatching(/^MAIL/))
  })

  it('that is taken for TLS and is none says which setting to change', async () => {
    const { host_port } = await startRelay()
    const error = await failureOf(tell(await openMailer(), { host_port, implicit_tls: true }))
    expect(error).toMatchObject({ retryable: false })
    expect(error.message).toContain('set notifiers.smtp.implicit_tls to false')
  })

  it.each([
    ['nobody takes', 'ECONNREFUSED', undefined],
    ['breaks', 'it closed the connection', (command: string) => command.startsWith('EHLO')],
    ['stays silent', 'in time', (command: string) => command.startsWith('DATA')],
  ])('that %s may be tried again', async (how, words, isLast) => {
    const { host_port } = await startRelay((command, socket) => {
      if (!isLast?.(command)) return undefined
      if (how === 'breaks') socket.destroy()
      return ''
    })
    const settings = { host_port: isLast ? host_port : '127.0.0.1:1' }
    const signal = how === 'stays silent' ? { signal: AbortSignal.timeout(200) } : {}
    expect(await failureOf(tell(await openMailer(), settings, [report()], signal))).toMatchObject({
      retryable: true,
      message: expect.stringContaining(words) as string,
    })
  })

  it('ends with the run that it is for, and the next mail gets another', async () => {
    const ending = new AbortController()
    const { host_port, sockets } = await startRelay((command) => {
      if (!command.startsWith('MAIL') || ending.signal.aborted) return undefined
      ending.abort(new Error('Talon is stopping'))
      return ''
    })
    const client = await openMailer()
    const stopped = await tell(client, { host_port }, [report()], { signal: ending.signal })
    expect(stopped).toMatchObject({ status: 'failure', message: 'Talon is stopping' })
    await expect.poll(() => sockets[0]?.destroyed).toBe(true)
    expect(await tell(client, { host_port })).toMatchObject({ status: 'success' })
    expect(sockets).toHaveLength(2)
  })

  it('says no more than the beginning of what a server says, on one line and without the password', async () => {
    const words = `550 no ${Buffer.from(`\0talon\0${LOGIN.password}`).toString('base64')} ${LOGIN.password}\u001b[31m ${'x'.repeat(5000)}`
    const { host_port } = await startRelay((said) => (said.startsWith('MAIL') ? words : withLogin(said)))
    const { message } = await failureOf(tell(await openMailer(), { host_port, ...LOGIN }))
    expect(message).toMatch(
      /^127\.0\.0\.1:\d+ answered 550 no \*\*\* \*\*\*\\u\{1b\}\[31m x+… \(\d+ characters more\); /,
    )
    expect(message.length).toBeLessThan(600)
  })
})
