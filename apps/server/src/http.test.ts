import { createHmac } from 'node:crypto'
import { decode, memoryJournal, type Accepted } from '@talon/core'
import { ActionError, ConfigError } from '@talon/plugin'
import { describe, expect, it, vi } from 'vitest'
import { createAuth } from './auth.ts'
import { createApp, type Door } from './http.ts'

const EVENT = JSON.stringify({ rule: 'Terminal shell in container', priority: 'Notice', output_fields: { a: 1 } })
const JSON_TYPE = { 'content-type': 'application/json' }
const MIB = 1024 * 1024

function open(over: Partial<Door> = {}, handle?: Door['talon']['handle']) {
  const bodies: string[] = []
  const refused: string[] = []
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const app = createApp({
    talon: {
      handle: async (body, traceparent) => {
        decode(body, { id: '1', received: 0, traceId: 'a'.repeat(32) })
        bodies.push(body)
        return { verdict: 'accepted', traceId: traceparent?.slice(3, 35) ?? 'a'.repeat(32) }
      },
      ready: async () => ({ ready: true, problems: [] }),
      ...(handle && { handle }),
    },
    metrics: { page: async () => 'up 1\n', contentType: 'text/plain; version=0.0.4; charset=utf-8' },
    reload: async () => [],
    journal: memoryJournal({ maxEvents: 10, now: () => 0 }),
    auth: createAuth(() => []),
    refused: (reason) => refused.push(reason),
    log,
    ...over,
  })
  const post = (
    body: string | Uint8Array<ArrayBuffer> | ReadableStream | null,
    headers: Record<string, string> = JSON_TYPE,
  ) => app.request('/', { method: 'POST', body, headers, duplex: 'half' })
  return { app, post, bodies, refused, log }
}

describe('a signed event', () => {
  const [secret, body, t] = ['signing key', EVENT, Math.floor(Date.now() / 1000)]
  const v1 = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')
  const headers = { ...JSON_TYPE, 'x-talon-signature': `t=${t},v1=${v1}` }

  it('that was refused is taken as it is when it comes again, and then no more', async () => {
    const answers: (() => Promise<Accepted>)[] = [
      async () => ({ verdict: 'full', traceId: 't' }),
      () => Promise.reject(new ActionError('the disk is full')),
      async () => ({ verdict: 'accepted', traceId: 't' }),
    ]
    const auth = createAuth(() => [{ name: 'pipeline', roles: ['send'], secret, expires: Infinity }])
    const { post } = open({ auth }, () => answers.shift()!())
    const statuses = []
    for (const _ of [1, 2, 3, 4]) statuses.push((await post(body, headers)).status)
    expect(statuses).toEqual([503, 503, 202, 401])
  })
})

describe('an answer in JSON', () => {
  it.each([
    ['POST', '/', 202],
    ['POST', '/nowhere', 404],
    ['GET', '/', 405],
    ['GET', '/healthz', 200],
    ['GET', '/readyz', 200],
  ])('ends its line, for those who read it in a shell: %s %s', async (method, path, status) => {
    const body = method === 'POST' ? EVENT : null
    const answer = await open().app.request(path, { method, body, headers: JSON_TYPE })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/json'])
    expect(await answer.text()).toMatch(/^\{.*\}\n$/)
  })
})

describe('POST /', () => {
  it('takes an event with 202 and gives its trace id', async () => {
    const { post, bodies, refused } = open()
    const traceId = 'b'.repeat(32)
    const answer = await post(EVENT, { ...JSON_TYPE, traceparent: `00-${traceId}-${'c'.repeat(16)}-01` })
    expect(answer.status).toBe(202)
    expect(await answer.json()).toEqual({ status: 'accepted' })
    expect(answer.headers.get('x-trace-id')).toBe(traceId)
    expect(bodies).toEqual([EVENT])
    expect(refused).toEqual([])
  })

  it('says 200 to a duplicate, and 503 with Retry-After where it is full', async () => {
    const duplicate = open({}, async () => ({ verdict: 'duplicate', traceId: 'a'.repeat(32) }))
    expect((await duplicate.post(EVENT)).status).toBe(200)
    const full = open({}, async () => ({ verdict: 'full', traceId: 'a'.repeat(32) }))
    const answer = await full.post(EVENT)
    expect(answer.status).toBe(503)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(full.refused).toEqual(['full'])
  })

  it('says 503 where the journal takes nothing, and why to the log alone', async () => {
    const { post, refused, log } = open({}, async () => {
      throw new ActionError('no space left on /var/lib/talon', { retryable: true })
    })
    const answer = await post(EVENT)
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([503, true])
    expect(await answer.text()).not.toContain('/var/lib')
    expect([refused, log.error.mock.calls]).toEqual([['journal'], []])
  })

  it.each([
    ['no JSON', 'hello', /not JSON/],
    ['nothing', '', /not JSON/],
    ['an array', '[]', /one Falco event/],
    ['no rule', '{"priority":"Notice"}', /rule/],
    ['a bad priority', '{"rule":"x","priority":"urgent"}', /priority/],
  ])('says 400 and why to %s', async (_, body, why) => {
    const { post, refused } = open()
    const answer = await post(body)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toMatch(/json/)
    expect(((await answer.json()) as { error: string }).error).toMatch(why)
    expect(refused).toEqual(['not_an_event'])
  })

  it('survives bytes that are no UTF-8', async () => {
    const { post, bodies } = open()
    const bytes = Buffer.from(EVENT.replace('Terminal', '\u{1}')).map((byte) => (byte === 1 ? 0xff : byte))
    expect((await post(bytes)).status).toBe(202)
    expect(bodies[0]).toContain('\uFFFD shell in container')
  })

  it('takes a body of one MiB and no byte more, whether its length is declared or not', async () => {
    const fits = EVENT.padEnd(MIB, ' ')
    const declared = (body: string) => ({ ...JSON_TYPE, 'content-length': String(Buffer.byteLength(body)) })
    for (const headers of [declared, () => JSON_TYPE]) {
      const { post, refused } = open()
      expect((await post(fits, headers(fits))).status).toBe(202)
      const answer = await post(`${fits} `, headers(`${fits} `))
      expect(answer.status).toBe(413)
      expect(await answer.json()).toHaveProperty('error')
      expect(refused).toEqual(['too_large'])
    }
  })

  it('stops reading an endless body', async () => {
    const { post } = open()
    let sent = 0
    const endless = new ReadableStream({
      pull: (controller) => {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    expect((await post(endless)).status).toBe(413)
    expect(sent).toBeLessThan(2 * MIB)
  })

  it.each([
    ['application/x-www-form-urlencoded', 415],
    ['text/plain', 415],
    ['application/jsonp', 415],
    ['application/json', 202],
    ['Application/JSON; charset=utf-8', 202],
    ['application/cloudevents+json', 202],
  ])('answers the content type %s with %i', async (type, status) => {
    const { post, refused } = open()
    expect((await post(EVENT, { 'content-type': type })).status).toBe(status)
    expect(refused).toEqual(status === 202 ? [] : ['content_type'])
  })

  it('takes a body without a content type, and none that is compressed', async () => {
    const { post } = open()
    expect((await post(new TextEncoder().encode(EVENT), {})).status).toBe(202)
    expect((await post(EVENT, { ...JSON_TYPE, 'content-encoding': 'gzip' })).status).toBe(415)
  })

  it('tells curl users which header is missing', async () => {
    const answer = await open().post(EVENT, { 'content-type': 'application/x-www-form-urlencoded' })
    expect(((await answer.json()) as { error: string }).error).toContain("-H 'content-type: application/json'")
  })

  it('never shows a stack trace, and logs what failed', async () => {
    const { post, log, refused } = open({}, async () => {
      throw new Error('disk is gone')
    })
    const answer = await post(EVENT)
    expect(answer.status).toBe(503)
    expect(await answer.text()).not.toMatch(/disk|at .*\.ts/)
    expect(log.error).toHaveBeenCalledOnce()
    expect(refused).toEqual(['failure'])
  })
})

describe('the other routes', () => {
  it.each([
    ['GET', '/', 'POST'],
    ['PUT', '/', 'POST'],
    ['POST', '/metrics', 'GET, HEAD'],
    ['DELETE', '/readyz', 'GET, HEAD'],
    ['GET', '/-/reload', 'POST'],
  ])('%s %s is 405 and says what is allowed', async (method, path, allow) => {
    const { app, refused } = open()
    const answer = await app.request(path, { method })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow])
    expect(refused).toEqual(['method'])
  })

  it('is alive, tells what it is not ready for, and gives its metrics', async () => {
    const ready = vi.fn(async () => ({ ready: false, problems: ['kubernetes: connection refused'] }))
    const { app } = open({ talon: { handle: async () => ({ verdict: 'full', traceId: '' }), ready } })
    expect((await app.request('/healthz')).status).toBe(200)
    const answers = await Promise.all([app.request('/readyz'), app.request('/readyz')])
    expect(answers.map(({ status }) => status)).toEqual([503, 503])
    expect(await answers[0].json()).toEqual({ status: 'not ready', problems: ['kubernetes: connection refused'] })
    expect(ready).toHaveBeenCalledOnce()
    expect(await (await app.request('/metrics')).text()).toBe('up 1\n')
    expect((await app.request('/healthz', { method: 'HEAD' })).status).toBe(200)
  })

  it('says 404 as JSON, with headers that keep a browser from guessing', async () => {
    const answer = await open().app.request('/favicon.ico')
    expect(answer.status).toBe(404)
    expect(await answer.json()).toHaveProperty('error')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  })
})

describe('POST /-/reload', () => {
  const from = (remoteAddress: string, headers = {}) => ({ incoming: { socket: { remoteAddress }, headers } })
  const reload = (door: Partial<Door>, env: object) => open(door).app.request('/-/reload', { method: 'POST' }, env)

  it.each(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'])('answers %s', async (address) => {
    expect((await reload({}, from(address))).status).toBe(200)
  })

  it.each([
    ['another machine', from('10.0.0.7')],
    ['another machine, mapped', from('::ffff:10.0.0.7')],
    ['a sidecar that brings in a stranger', from('127.0.0.6', { 'x-forwarded-for': '10.0.0.7' })],
    ['a page in a browser', from('127.0.0.1', { origin: 'https://evil.example' })],
    ['nobody known', {}],
  ])('refuses %s', async (_, env) => {
    const reloaded = vi.fn(async () => [])
    expect((await reload({ reload: reloaded }, env)).status).toBe(403)
    expect(reloaded).not.toHaveBeenCalled()
  })

  it('lists what is wrong with the new rules', async () => {
    const answer = await reload(
      { reload: () => Promise.reject(new ConfigError([{ level: 'error', message: 'unknown actionner', line: 3 }])) },
      from('::1'),
    )
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ issues: [{ message: 'unknown actionner', line: 3 }] })
  })
})
