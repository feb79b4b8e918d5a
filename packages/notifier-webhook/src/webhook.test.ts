import { createHmac } from 'node:crypto'
import type { Report } from '@talon/plugin'
import { checkPlugin, falcoEvent, report, runNotifier } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openHttp } from '../../client-http/testing/open.ts'
import { startReceiver } from '../../client-http/testing/receiver.ts'
import plugin, { webhook, webhookBody } from './index.ts'

checkPlugin(plugin)

async function tell(settings: z.input<typeof webhook.parameters>, parts: Partial<Report> = {}) {
  return runNotifier(webhook, settings, { clients: { http: await openHttp() }, reports: [report(parts)] })
}

describe('webhook', () => {
  it('sends a report in the shape that its schema documents', async () => {
    const { url, received } = await startReceiver()
    const output = 'a shell\u2028in a "container"'
    const event = falcoEvent({ output, fields: { 'k8s.pod.name': 'web-0', 'evt.x': 1 } })
    const time = '2026-11-24T12:00:00.000Z'
    const result = await tell({ url: `${url}/hook/t0ken` }, { event, time })
    const { method, path, headers, body } = received[0]!
    expect([method, path]).toEqual(['POST', '/hook/t0ken'])
    expect(headers).toMatchObject({
      'user-agent': 'Falco-Talon',
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
    })
    expect(headers).not.toHaveProperty('x-talon-signature')
    expect(z.strictObject(webhookBody.shape).parse(JSON.parse(body))).toEqual({
      id: 'report-1',
      time,
      message: 'action',
      status: 'success',
      summary: 'the pod default/web-0 was labelled',
      output: 'the pod default/web-0 was labelled',
      rule: 'Suspicious shell',
      action: 'Label the pod',
      actionner: 'kubernetes:label',
      dry_run: false,
      duration_ms: 12.5,
      objects: { pod: 'web-0', namespace: 'default' },
      event: output,
      priority: 'Notice',
      source: 'syscall',
      trace_id: event.traceId,
      falco: {
        id: event.id,
        rule: 'Terminal shell in container',
        output,
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
    const { url, received } = await startReceiver()
    const event = falcoEvent({ output: '' })
    await tell({ url }, { stage: 'output', target: 'aws:s3', status: 'failure', error: 'no such bucket' })
    await tell({ url }, { output: 'uid=0(root)', event })
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      message: 'output',
      output_target: 'aws:s3',
      error: 'no such bucket',
    })
    expect(JSON.parse(received[1]?.body ?? '')).toMatchObject({ output: 'uid=0(root)', event: event.rule })
  })

  it('uses the method and headers of its settings', async () => {
    const { url, received } = await startReceiver()
    const custom_headers = { Authorization: 'Bearer x', 'User-Agent': 'not this' }
    await tell({ url, http_method: 'PUT', user_agent: 'me', content_type: 'application/cloud', custom_headers })
    expect(received[0]).toMatchObject({
      method: 'PUT',
      headers: { 'user-agent': 'me', 'content-type': 'application/cloud', authorization: 'Bearer x' },
    })
  })

  it('signs the bytes that it sends, with the time', async () => {
    const { url, received } = await startReceiver()
    const secret = 'a key of the receiver'
    const before = Math.floor(Date.now() / 1000)
    await tell({ url, secret })
    const { body, headers } = received[0]!
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-talon-signature'])) ?? []
    expect(v1).toBe(createHmac('sha256', secret).update(`${t}.${body}`).digest('hex'))
    expect(Number(t)).toBeGreaterThanOrEqual(before)
    expect(Number(t)).toBeLessThanOrEqual(Date.now() / 1000)
  })

  it('leaves it to the engine to try again, and hands on how long to wait', async () => {
    const { url, received } = await startReceiver(() => ({ status: 429, headers: { 'retry-after': '3' } }))
    expect(await tell({ url })).toMatchObject({ error: { kind: 'action', retryable: true, retryAfter: 3000 } })
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
