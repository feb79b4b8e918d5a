import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { http } from '@talon/client-http'
import type { Report } from '@talon/plugin'
import { checkPlugin, falcoEvent } from '@talon/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import plugin, { webhook, webhookBody } from './index.ts'

checkPlugin(plugin)

const log = { debug() {}, info() {}, warn() {}, error() {} }
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const event = falcoEvent({ output: 'a shell\u2028in a "container"', fields: { 'k8s.pod.name': 'web-0', 'evt.x': 1 } })
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

interface Received {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function receiver(answer: RequestListener = (_, response) => void response.writeHead(204).end()) {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ method: request.method, url: request.url, headers: request.headers, body })
    answer(request, response)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/t0ken`, received }
}

async function tell(parameters: z.input<typeof webhook.parameters>, told: Report = report) {
  const client = await http.open(http.settings.parse({}), { log })
  closing.push(() => client.close())
  const { signal } = new AbortController()
  return webhook.run(
    { reports: [told], parameters: webhook.parameters.parse(parameters), signal, log },
    { http: client },
  )
}

describe('webhook', () => {
  it('sends a report in the shape that its schema documents', async () => {
    const { url, received } = await receiver()
    const result = await tell({ url })
    const [{ method, url: path, headers, body } = { body: '', headers: {} as IncomingHttpHeaders }] = received
    expect([method, path]).toEqual(['POST', '/hook/t0ken'])
    expect(headers).toMatchObject({
      'user-agent': 'Falco-Talon',
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
    })
    expect(headers).not.toHaveProperty('x-talon-signature')
    expect(z.strictObject(webhookBody.shape).parse(JSON.parse(body))).toEqual({
      id: 'r1',
      time: '2026-11-24T12:00:00.000Z',
      message: 'action',
      status: 'success',
      summary: 'the pod is gone',
      output: 'the pod is gone',
      rule: 'Terminate',
      action: 'kill it',
      actionner: 'kubernetes:terminate',
      dry_run: false,
      duration_ms: 12.5,
      objects: { pod: 'web-0', namespace: 'default' },
      event: 'a shell\u2028in a "container"',
      priority: 'Notice',
      source: 'syscall',
      trace_id: event.traceId,
      falco: {
        id: event.id,
        rule: 'Terminal shell in container',
        output: 'a shell\u2028in a "container"',
        time: event.time,
        hostname: 'node-1',
        tags: ['container', 'shell'],
        output_fields: { 'k8s.pod.name': 'web-0', 'evt.x': '1' },
      },
    })
    expect(result).toMatchObject({ status: 'success', message: expect.stringMatching(/^told http.*204$/) as string })
    expect(result.message).not.toContain('t0ken')
  })

  it('tells why an output failed, and what a command printed', async () => {
    const { url, received } = await receiver()
    const { output: _, ...quiet } = event
    await tell({ url }, { ...report, stage: 'output', target: 'aws:s3', status: 'failure', error: 'no such bucket' })
    await tell({ url }, { ...report, output: 'uid=0(root)', event: { ...quiet, output: '' } })
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      message: 'output',
      output_target: 'aws:s3',
      error: 'no such bucket',
    })
    expect(JSON.parse(received[1]?.body ?? '')).toMatchObject({ output: 'uid=0(root)', event: event.rule })
  })

  it('uses the method and headers of its settings', async () => {
    const { url, received } = await receiver()
    const custom_headers = { Authorization: 'Bearer x', 'User-Agent': 'not this' }
    await tell({ url, http_method: 'PUT', user_agent: 'me', content_type: 'application/cloud', custom_headers })
    expect(received[0]).toMatchObject({
      method: 'PUT',
      headers: { 'user-agent': 'me', 'content-type': 'application/cloud', authorization: 'Bearer x' },
    })
  })

  it('signs the bytes that it sends, with the time', async () => {
    const { url, received } = await receiver()
    const secret = 'a key of the receiver'
    const before = Math.floor(Date.now() / 1000)
    await tell({ url, secret })
    const [{ body, headers } = { body: '', headers: {} as IncomingHttpHeaders }] = received
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-talon-signature'])) ?? []
    expect(v1).toBe(createHmac('sha256', secret).update(`${t}.${body}`).digest('hex'))
    expect(Number(t)).toBeGreaterThanOrEqual(before)
    expect(Number(t)).toBeLessThanOrEqual(Date.now() / 1000)
  })

  it('leaves it to the engine to try again, and hands on how long to wait', async () => {
    const { url, received } = await receiver((_, response) => response.writeHead(429, { 'Retry-After': '3' }).end())
    await expect(tell({ url })).rejects.toMatchObject({ kind: 'action', retryable: true, retryAfter: 3000 })
    expect(received).toHaveLength(1)
  })

  it.each([
    [{ url: 'not an address' }, 'is no http'],
    [{ url: 'ftp://example.org' }, 'is no http'],
    [{ url: 'https://example.org', secret: 'short' }, 'it could be guessed'],
    [{ url: 'https://example.org', custom_headers: { 'X Y': 'z' } }, 'is no name of a header'],
    [{ url: 'https://example.org', custom_headers: { x: 'y\r\nz: 1' } }, 'is no value of a header'],
  ])('takes no settings that cannot work: %j', (parameters, words) => {
    expect(JSON.stringify(webhook.parameters.safeParse(parameters).error?.issues)).toContain(words)
  })
})
