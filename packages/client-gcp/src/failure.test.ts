import { createServer } from 'node:net'
import { connectionFault } from '@talon/plugin'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { openStand, type Stand } from '../testing/stand.ts'
import { networkAdvice } from './network.ts'

let stand: Stand
beforeEach(async () => {
  stand = await openStand()
})

describe('a refusal', () => {
  it.each([
    [429, { 'retry-after': '7' }, {}, { retryable: true, retryAfter: 7000 }],
    [503, {}, {}, { retryable: true }],
    [403, {}, { error: { message: 'no', errors: [{ reason: 'rateLimitExceeded' }] } }, { retryable: true }],
    [
      403,
      {},
      { error: { message: "Permission 'x' denied" } },
      { retryable: false, message: expect.stringContaining("Permission 'x' denied; grant") as string },
    ],
    [
      301,
      { location: 'http://elsewhere/' },
      '',
      { retryable: false, message: expect.stringContaining('not followed') as string },
    ],
  ])('of %i with %j and %j says what it is', async (status, headers, body, error) => {
    stand.google.answer(/^\/v2/, { status, headers, body })
    await expect(stand.ask(await stand.withAccount())).rejects.toMatchObject(error)
  })

  it('repeats a bounded part of the answer, on one line', async () => {
    stand.google.answer(/^\/v2/, { status: 400, body: `one\ntwo\u001b[31m${'x'.repeat(100_000)}` })
    const refused = (await stand.ask(await stand.withAccount()).catch((error: unknown) => error)) as Error
    expect(refused.message).toMatch(/^it failed: 400 Bad Request: one two \[31mx+…$/)
    expect(refused.message.length).toBeLessThan(500)
  })

  it('of the connection is worth another try', async () => {
    await expect(
      stand.ask(await stand.withAccount(), { url: 'http://127.0.0.1:1/', token: false }),
    ).rejects.toMatchObject({
      retryable: true,
    })
  })

  it.each([
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'NODE_EXTRA_CA_CERTS', false],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'NODE_EXTRA_CA_CERTS', false],
    ['CERT_HAS_EXPIRED', 'the clock here is off', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'for another name', false],
    ['UND_ERR_CONNECT_TIMEOUT', 'firewalls', true],
    ['EAI_AGAIN', 'check the DNS', true],
    ['ECONNRESET', '', true],
  ])('of the network, %s, says what to do', (code, words, retryable) => {
    const { advice, ...rest } = networkAdvice(connectionFault({ code }))
    expect([advice, rest]).toEqual([expect.stringContaining(words), { retryable }])
  })

  it('is silence too, and worth another try', async () => {
    stand.google.answer(/^\/v2/, { status: 200, after: 120_000 })
    await expect(stand.ask(await stand.withAccount(), { silence: 100 })).rejects.toMatchObject({ retryable: true })
  })

  it('of what speaks no TLS is none, and says so', async () => {
    const server = createServer((socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\n')).listen(0, '127.0.0.1')
    await vi.waitFor(() => expect(server.listening).toBe(true))
    const { port } = server.address() as { port: number }
    await expect(
      stand.ask(await stand.withAccount(), { url: `https://127.0.0.1:${port}/`, token: false }),
    ).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('does not speak TLS') as string,
    })
    server.close()
  })
})
