// Against a real server: what it answers, and what it has then.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Report } from '@talon/plugin'
import { falcoEvent, report, runNotifier } from '@talon/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { selfSigned } from '../../../tools/counterparts/certificate.ts'
import { startOpenSearch, type OpenSearch } from '../../../tools/counterparts/opensearch.ts'
import { openSearchJars } from '../../../tools/counterparts/opensearch/jars.ts'
import { openHttp } from '../../client-http/testing/open.ts'
import { elasticsearch } from './elasticsearch.ts'
import { elasticsearchTemplates } from './templates.ts'

const missing = await openSearchJars().then(
  () => undefined,
  (error: Error) => error.message,
)
if (missing) console.warn(`not run, Elasticsearch against a real server: ${missing}`)

const log = { debug() {}, info() {}, warn() {}, error() {} }

function reportsOf(mark: string, count: number, parts: Partial<Report> = {}): [Report, ...Report[]] {
  const usual = report({ time: '2026-11-24T12:00:00.000Z', ...parts })
  return Array.from({ length: count }, (_, index) => ({ ...usual, id: `${mark}-${index}` })) as [Report, ...Report[]]
}

describe.skipIf(missing)('elasticsearch, at a real server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'talon-elasticsearch-'))
  let openSearch: OpenSearch
  beforeAll(async () => {
    openSearch = await startOpenSearch({ tls: selfSigned(folder) })
  }, 240_000)
  afterAll(async () => {
    await openSearch?.close()
    rmSync(folder, { recursive: true })
  }, 240_000)

  async function send(
    over: Partial<z.input<typeof elasticsearch.parameters>>,
    reports: readonly [Report, ...Report[]],
  ) {
    const templates = await elasticsearchTemplates.open({}, { log })
    const clients = { http: await openHttp({ ca_file: join(folder, 'cert.pem') }), templates }
    const { url, user, password } = openSearch
    return runNotifier(elasticsearch, { url, user, password, number_of_replicas: 0, ...over }, { clients, reports })
  }

  async function countOf(index: string): Promise<number> {
    await openSearch.ask(`/${index}/_refresh`, { method: 'POST' })
    return ((await openSearch.ask(`/${index}/_count`)) as { count: number }).count
  }

  it('stores 500 at once, and no document twice, however often a batch is sent', async () => {
    const reports = reportsOf('again', 500)
    await send({ index: 'again' }, reports)
    await send({ index: 'again' }, [...reportsOf('more', 1), ...reports.slice(1)])
    expect(await countOf('again-2026.11.24')).toBe(501)
  })

  it('tells why a document is refused, and stores the others', async () => {
    const mappings = { properties: { objects: { properties: { pod: { type: 'long' } } } } }
    await openSearch.ask('/strict', { method: 'PUT', body: { mappings } })
    const numbered = { objects: { pod: '7' } }
    const reports = reportsOf('refused', 3)
    const sent = await send({ index: 'strict', suffix: 'none' }, [...reportsOf('stored', 2, numbered), ...reports])
    expect(sent).toMatchObject({
      error: { retryable: false },
      message: expect.stringMatching(
        /^https:.* did not take 3 of 5 documents, .*: 400 mapper_parsing_exception .*objects\.pod/,
      ) as string,
    })
    expect(await countOf('strict')).toBe(2)
  })

  it('goes on in an index of Falco Talon, whose template guesses types from values', async () => {
    const text = { type: 'text', fields: { keyword: { type: 'keyword', ignore_above: 128 } } }
    const template = { mappings: { properties: { rule: text, output: text, event: text, status: text } } }
    const body = { index_patterns: ['falco-talon*'], template }
    await openSearch.ask('/_index_template/falco-talon', { method: 'PUT', body })
    await openSearch.ask('/falco-talon-2026.11.24/_doc', {
      method: 'POST',
      body: { rule: 'old', status: 'success', objects: { pod: 'web' }, time: '2026-11-24T12:00:00+01:00' },
    })
    const times = ['2026-11-24T12:00:00.123456789Z', '1795521584834631763', '2026-11-24', 'garbage', '']
    for (const [index, time] of times.entries()) {
      const told = {
        ...falcoEvent(),
        time,
        output: time,
        fields: { 'evt.time': time, evt: time, 'evt.arg': '2026-01-01' },
      }
      await send({}, reportsOf(`guess-${index}`, 1, { event: told, output: time || '2026-01-01', duration: index / 2 }))
    }
    expect(await countOf('falco-talon-2026.11.24')).toBe(times.length + 1)
  })
})
