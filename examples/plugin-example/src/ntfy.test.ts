import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { checkPlugin, report, runNotifier } from '@talon/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import plugin from './index.ts'
import { ntfy } from './ntfy.ts'

checkPlugin(plugin)

/** A server on this machine, until the test ends, that answers with a status. */
async function startServer(status = 200) {
  const received: { token: string | undefined; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    received.push({ token: request.headers.authorization, body })
    response.writeHead(status).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

const settings = { topic: 't0pic', token: 's3cret' }
const clients = {}

describe('ntfy', () => {
  it('pushes a failure so that it rings, and says why', async () => {
    const { url, received } = await startServer()
    const reports = [report({ status: 'failure', error: 'no such pod' })] as const
    expect(await runNotifier(ntfy, { url, ...settings }, { clients, reports })).toMatchObject({ status: 'success' })
    expect(received.map(({ token }) => token)).toEqual(['Bearer s3cret'])
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      topic: 't0pic',
      title: 'Suspicious shell: failure',
      message: 'Label the pod: no such pod',
      priority: 5,
      tags: ['rotating_light'],
    })
  })

  it('tells failures alone where that is asked for', async () => {
    const { url, received } = await startServer()
    await runNotifier(ntfy, { url, ...settings, minimum_status: 'failure' }, { clients })
    expect(received).toEqual([])
  })

  it('never sends more than ntfy takes', async () => {
    const { url, received } = await startServer()
    await runNotifier(ntfy, { url, ...settings }, { clients, reports: [report({ message: '\u{1f985}'.repeat(9000) })] })
    const { message } = JSON.parse(received[0]?.body ?? '') as { message: string }
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(4096)
    expect(message.isWellFormed()).toBe(true)
  })

  it.each([
    [429, true],
    [503, true],
    [401, false],
    [302, false],
  ])('after %i, whether trying again makes sense: %s; and no secret shows', async (status, retryable) => {
    const { url } = await startServer(status)
    const outcome = await runNotifier(ntfy, { url, ...settings }, { clients })
    expect(outcome).toMatchObject({ status: 'failure', error: { retryable } })
    expect(JSON.stringify(outcome)).not.toMatch(/s3cret|t0pic/)
  })
})
