import type { Report } from '@talon/plugin'
import { checkPlugin, falcoEvent, report, runNotifier } from '@talon/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { openHttp } from '../../client-http/testing/open.ts'
import { startReceiver, type Received } from '../../client-http/testing/receiver.ts'
import plugin, { elasticsearch } from './index.ts'
import { elasticsearchTemplates } from './templates.ts'

checkPlugin(plugin)

const warnings: string[] = []
const log = { debug() {}, info() {}, warn: (message: string) => void warnings.push(message), error() {} }
beforeEach(() => void (warnings.length = 0))

const event = falcoEvent({ fields: { 'evt.time': 1795521584834631763n.toString(), 'proc.name': 'sh', evt: 'x' } })
const told = report({ event, time: '2026-11-24T23:59:59.999Z' })
const reports = Array.from({ length: 3 }, (_, index) => ({ ...told, id: `r${index}` })) as [Report, Report, Report]

/** The ids of the documents of a bulk request. */
const idsOf = ({ body }: Received) => [...body.matchAll(/^\{"create":.*"_id":"(.*)"\}\}$/gm)].map(([, id = '']) => id)
const isBulk = ({ path }: Received) => path.includes('/_bulk?')
type Verdicts = (asked: Received) => { readonly status: number; readonly body: unknown }

const items = (verdicts: readonly object[]) => ({
  status: 200,
  body: { errors: true, items: verdicts.map((create) => ({ create })) },
})
const stored: Verdicts = (asked) =>
  isBulk(asked) ? items(idsOf(asked).map(() => ({ status: 201 }))) : { status: 200, body: { acknowledged: true } }

/** A mock of a search server, for answers that a real one gives in bad times. */
async function mock(answer: Verdicts = stored) {
  const { url, received } = await startReceiver((asked) => {
    const { status, body } = answer(asked)
    return { status, body: typeof body === 'string' ? body : JSON.stringify(body) }
  })
  return { url, asked: received, bulks: () => received.filter(isBulk) }
}

type Settings = z.input<typeof elasticsearch.parameters>

/** An engine's clients, and a way to send by them. */
async function engine(settings: Settings) {
  const clients = { http: await openHttp(), templates: await elasticsearchTemplates.open({}, { log }) }
  return (...reports: readonly [Report, ...Report[]]) => runNotifier(elasticsearch, settings, { clients, reports, log })
}

const tell = async (settings: Settings, ...reports: readonly [Report, ...Report[]]) =>
  (await engine(settings))(...reports)

describe('elasticsearch', () => {
  it('stores many reports by one request, each under its own id', async () => {
    const { url, bulks } = await mock()
    await tell({ url: `${url}/es/`, user: 'me', password: 'pw' }, ...reports)
    expect(bulks()).toHaveLength(1)
    const [bulk] = bulks() as [Received]
    const { path, headers, body } = bulk
    expect([path, idsOf(bulk)]).toEqual([expect.stringMatching(/^\/es\/_bulk\?/), ['r0', 'r1', 'r2']])
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
      rule: 'Suspicious shell',
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
    await tell({ url, suffix }, told)
    expect(bulks()[0]?.body).toContain(`"_index":"${index}"`)
  })

  it('takes a document that is there already for stored', async () => {
    const { url } = await mock((asked) =>
      isBulk(asked)
        ? items([{ status: 201 }, { status: 409, error: { type: 'conflict' } }, { status: 201 }])
        : stored(asked),
    )
    expect(await tell({ url }, ...reports)).toMatchObject({ status: 'success' })
  })

  it.each([429, 503])('wants all to be tried again where one is answered %i', async (status) => {
    const { url } = await mock((asked) =>
      isBulk(asked)
        ? items([{ status: 400 }, { status, error: { type: 'rejected' } }, { status: 201 }])
        : stored(asked),
    )
    expect(await tell({ url }, ...reports)).toMatchObject({
      message: `${url} did not take 2 of 3 documents: ${status} rejected`,
      error: { kind: 'action', retryable: true },
    })
  })

  it('tells the first reason of what is refused for good, on one line', async () => {
    const refused = { status: 400, error: { type: 'mapper_parsing_exception', reason: 'failed to parse\n[time]' } }
    const { url } = await mock((asked) => {
      if (!isBulk(asked)) return stored(asked)
      return items(idsOf(asked).map((id) => (id === 'r1' ? refused : { status: 201 })))
    })
    expect(await tell({ url }, ...reports)).toMatchObject({
      message: `${url} did not take 1 of 3 documents, and would not at another try: 400 mapper_parsing_exception failed to parse [time]`,
      error: { retryable: false },
    })
  })

  it('says so where something else answers', async () => {
    const { url } = await mock(() => ({ status: 200, body: '<html>' }))
    expect(await tell({ url }, told)).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('did not answer as Elasticsearch does') as string,
    })
  })

  it('makes large portions of large reports', async () => {
    const { url, bulks } = await mock()
    const output = 'x'.repeat(1_000_000)
    const large = Array.from({ length: 12 }, (_, index) => ({ ...told, id: `r${index}`, output }))
    await tell({ url }, told, ...large)
    expect(bulks().map((bulk) => idsOf(bulk).length)).toEqual([5, 4, 4])
    for (const { body } of bulks()) expect(Buffer.byteLength(body)).toBeLessThan(5_000_000)
  })
})

describe('the index template', () => {
  it('is asked for once, before the first document, with its settings', async () => {
    const { url, asked } = await mock()
    const send = await engine({ url, index: 'talon', number_of_shards: 1, number_of_replicas: 0 })
    await Promise.all([send(told), send(told)])
    await send(told)
    const [first, ...more] = asked.map(({ method, path }) => `${method} ${path}`)
    expect([first, ...more]).toEqual([
      'PUT /_index_template/talon?create=true',
      ...Array(3).fill(expect.stringMatching(/^POST \/_bulk\?/)),
    ])
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({
      index_patterns: ['talon', 'talon-*'],
      template: { settings: { number_of_shards: 1, number_of_replicas: 0 } },
    })
  })

  it('is not asked for where the settings say so', async () => {
    const { url, asked } = await mock()
    await tell({ url, create_index_template: false }, told)
    expect(asked.map(isBulk)).toEqual([true])
  })

  it('is tried again where the server was busy, before any document makes an index without it', async () => {
    let busy = true
    const { url, bulks } = await mock((asked) => {
      if (!isBulk(asked) && busy) return { status: 503, body: '' }
      return stored(asked)
    })
    const send = await engine({ url })
    expect(await send(told)).toMatchObject({ error: { retryable: true } })
    expect(bulks()).toEqual([])
    busy = false
    await send(told)
    expect(bulks()).toHaveLength(1)
  })

  it.each([
    [400, 'index template [falco-talon] already exists', []],
    [403, 'no permissions', [expect.stringContaining('the index template was not made')]],
  ])('keeps no document back where the answer is %i, %s', async (status, body, warned) => {
    const { url, bulks } = await mock((asked) => (isBulk(asked) ? stored(asked) : { status, body }))
    await tell({ url }, told)
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
