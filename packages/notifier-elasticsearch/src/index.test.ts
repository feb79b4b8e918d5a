import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { http } from '@talon/client-http'
import type { Report } from '@talon/plugin'
import { checkPlugin, falcoEvent } from '@talon/testing'
import { afterEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import plugin, { elasticsearch } from './index.ts'
import { elasticsearchTemplates } from './templates.ts'

checkPlugin(plugin)

const warnings: string[] = []
const log = { debug() {}, info() {}, warn: (message: string) => void warnings.push(message), error() {} }
const closing: (() => unknown)[] = []
afterEach(async () => {
  warnings.length = 0
  for (const close of closing.splice(0).toReversed()) await close()
})

const event = falcoEvent({ fields: { 'evt.time': 1795521584834631763n.toString(), 'proc.name': 'sh', evt: 'x' } })
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
  time: '2026-11-24T23:59:59.999Z',
  duration: 12.5,
  event,
  traceId: event.traceId,
}
const reports = Array.from({ length: 3 }, (_, index) => ({ ...report, id: `r${index}` })) as [Report, Report, Report]

interface Asked {
  readonly method: string | undefined
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Of a bulk request: its documents' ids. */
  readonly ids: readonly string[]
}
type Answer = (asked: Asked) => { readonly status: number; readonly body: unknown }

const items = (verdicts: readonly object[]) => ({
  status: 200,
  body: { errors: true, items: verdicts.map((create) => ({ create })) },
})
const stored: Answer = ({ path, ids }) =>
  path.endsWith('/_bulk') ? items(ids.map(() => ({ status: 201 }))) : { status: 200, body: { acknowledged: true } }

/** A mock of a search server, for answers that a real one gives in bad times. */
async function mock(answer: Answer = stored) {
  const asked: Asked[] = []
  const server = createServer(async (request, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const ids = [...body.matchAll(/^\{"create":.*"_id":"(.*)"\}\}$/gm)].map(([, id = '']) => id)
    const path = new URL(request.url ?? '', 'http://mock').pathname
    const one = { method: request.method, path, headers: request.headers, body, ids }
    asked.push(one)
    const { status, body: answered } = answer(one)
    response.writeHead(status).end(typeof answered === 'string' ? answered : JSON.stringify(answered))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  const bulks = () => asked.filter(({ path }) => path.endsWith('/_bulk'))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, bulks }
}

/** An engine's clients, and a way to send by them. */
async function engine(parameters: z.input<typeof elasticsearch.parameters>) {
  const client = await http.open(http.settings.parse({}), { log })
  closing.push(() => client.close())
  const templates = await elasticsearchTemplates.open({}, { log })
  const { signal } = new AbortController()
  return (...reports: readonly [Report, ...Report[]]) =>
    elasticsearch.run(
      { reports, parameters: elasticsearch.parameters.parse(parameters), signal, log },
      { http: client, templates },
    )
}

describe('elasticsearch', () => {
  it('stores many reports by one request, each under its own id', async () => {
    const { url, bulks } = await mock()
    await (
      await engine({ url: `${url}/es/`, user: 'me', password: 'pw' })
    )(...reports)
    expect(bulks()).toHaveLength(1)
    const [{ path, headers, body, ids } = { body: '' }] = bulks()
    expect([path, ids]).toEqual(['/es/_bulk', ['r0', 'r1', 'r2']])
    expect(headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      authorization: `Basic ${Buffer.from('me:pw').toString('base64')}`,
    })
    const lines = body.split('\n')
    expect([lines.length, lines.at(-1)]).toEqual([7, ''])
    expect(JSON.parse(lines[0] ?? '')).toEqual({ create: { _index: 'falco-talon-2026.11.24', _id: 'r0' } })
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({
      message: 'action',
      status: 'success',
      rule: 'Terminate',
      trace_id: event.traceId,
      objects: { pod: 'web-0', namespace: 'default' },
      falco: { output_fields: ['evt.time=1795521584834631763', 'proc.name=sh', 'evt=x'] },
    })
  })

  it.each([
    ['daily', 'falco-talon-2026.11.24'],
    ['monthly', 'falco-talon-2026.11'],
    ['annually', 'falco-talon-2026'],
    ['none', 'falco-talon'],
  ] as const)('names the index by the UTC date of the report: %s', async (suffix, index) => {
    const { url, bulks } = await mock()
    await (
      await engine({ url, suffix })
    )(report)
    expect(bulks()[0]?.body).toContain(`"_index":"${index}"`)
  })

  it('takes a document that is there already for stored', async () => {
    const { url } = await mock((asked) =>
      asked.path === '/_bulk'
        ? items([{ status: 201 }, { status: 409, error: { type: 'conflict' } }, { status: 201 }])
        : stored(asked),
    )
    expect(await (await engine({ url }))(...reports)).toMatchObject({ status: 'success' })
  })

  it.each([429, 503])('wants all to be tried again where one is answered %i', async (status) => {
    const { url } = await mock((asked) =>
      asked.path === '/_bulk'
        ? items([{ status: 400 }, { status, error: { type: 'rejected' } }, { status: 201 }])
        : stored(asked),
    )
    await expect((await engine({ url }))(...reports)).rejects.toMatchObject({
      kind: 'action',
      retryable: true,
      message: `${url} did not take 2 of 3 documents: ${status} rejected`,
    })
  })

  it('tells the first reason of what is refused for good, on one line', async () => {
    const refused = { status: 400, error: { type: 'mapper_parsing_exception', reason: 'failed to parse\n[time]' } }
    const { url } = await mock((asked) => {
      if (asked.path !== '/_bulk') return stored(asked)
      return items(asked.ids.map((id) => (id === 'r1' ? refused : { status: 201 })))
    })
    await expect((await engine({ url }))(...reports)).rejects.toMatchObject({
      retryable: false,
      message: `${url} did not take 1 of 3 documents, and would not at another try: 400 mapper_parsing_exception failed to parse [time]`,
    })
  })

  it('says so where something else answers', async () => {
    const { url } = await mock(() => ({ status: 200, body: '<html>' }))
    await expect((await engine({ url }))(report)).rejects.toThrow('did not answer as Elasticsearch does')
  })

  it('makes large portions of large reports', async () => {
    const { url, bulks } = await mock()
    const output = 'x'.repeat(1_000_000)
    const large = Array.from({ length: 12 }, (_, index) => ({ ...report, id: `r${index}`, output }))
    await (
      await engine({ url })
    )(report, ...large)
    expect(bulks().map(({ ids }) => ids.length)).toEqual([5, 4, 4])
    for (const { body } of bulks()) expect(Buffer.byteLength(body)).toBeLessThan(5_000_000)
  })
})

describe('the index template', () => {
  it('is asked for once, before the first document, with its settings', async () => {
    const { url, asked } = await mock()
    const send = await engine({ url, index: 'talon', number_of_shards: 1, number_of_replicas: 0 })
    await Promise.all([send(report), send(report)])
    await send(report)
    const [first, ...more] = asked.map(({ method, path }) => `${method} ${path}`)
    expect([first, ...more]).toEqual(['PUT /_index_template/talon', ...Array(3).fill('POST /_bulk')])
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({
      index_patterns: ['talon', 'talon-*'],
      template: { settings: { number_of_shards: 1, number_of_replicas: 0 } },
    })
  })

  it('is not asked for where the settings say so', async () => {
    const { url, asked } = await mock()
    await (
      await engine({ url, create_index_template: false })
    )(report)
    expect(asked.map(({ path }) => path)).toEqual(['/_bulk'])
  })

  it('is tried again where the server was busy, before any document makes an index without it', async () => {
    let busy = true
    const { url, bulks } = await mock((asked) => {
      if (asked.path !== '/_bulk' && busy) return { status: 503, body: '' }
      return stored(asked)
    })
    const send = await engine({ url })
    await expect(send(report)).rejects.toMatchObject({ retryable: true })
    expect(bulks()).toEqual([])
    busy = false
    await send(report)
    expect(bulks()).toHaveLength(1)
  })

  it.each([
    [400, 'index template [falco-talon] already exists', []],
    [403, 'no permissions', [expect.stringContaining('the index template was not made')]],
  ])('keeps no document back where the answer is %i, %s', async (status, body, warned) => {
    const { url, bulks } = await mock((asked) => (asked.path === '/_bulk' ? stored(asked) : { status, body }))
    await (
      await engine({ url })
    )(report)
    expect(bulks()).toHaveLength(1)
    expect(warnings).toEqual(warned)
  })
})

describe('the settings', () => {
  it.each([
    [{}, 'is missing'],
    [{ host_port: 'es:9200' }, 'is no http'],
    [{ url: 'http://es', index: 'Talon' }, 'is no name of an index'],
    [{ url: 'http://es', index: '_all' }, 'is no name of an index'],
    [{ url: 'http://es', index: 'a/b' }, 'is no name of an index'],
    [{ url: 'http://es', number_of_shards: 0 }, 'number_of_shards'],
  ])('that cannot work are refused: %j', (parameters, words) => {
    expect(JSON.stringify(elasticsearch.parameters.safeParse(parameters).error?.issues)).toContain(words)
  })
})
