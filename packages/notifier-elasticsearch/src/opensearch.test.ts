// Against a real server: what it answers, and what it has then.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { http } from '@talon/client-http'
import type { Report } from '@talon/plugin'
import { falcoEvent } from '@talon/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { selfSigned } from '../../../tools/counterparts/certificate.ts'
import { startOpenSearch, type OpenSearch } from '../../../tools/counterparts/opensearch.ts'
import { openSearchJars } from '../../../tools/counterparts/opensearch/jars.ts'
import { elasticsearch } from './elasticsearch.ts'
import { elasticsearchTemplates } from './templates.ts'

const missing = await openSearchJars().then(
  () => undefined,
  (error: Error) => error.message,
)
if (missing) console.warn(`not run, Elasticsearch against a real server: ${missing}`)

const log = { debug() {}, info() {}, warn() {}, error() {} }
const event = falcoEvent()

function reportsOf(mark: string, count: number, over: Partial<Report> = {}): [Report, ...Report[]] {
  const reports = Array.from({ length: count }, (_, index): Report => {
    return {
      id: `${mark}-${index}`,
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
      ...over,
    }
  })
  return reports as [Report, ...Report[]]
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
    const client = await http.open(http.settings.parse({ ca_file: join(folder, 'cert.pem') }), { log })
    const templates = await elasticsearchTemplates.open({}, { log })
    const { url, user, password } = openSearch
    const parameters = elasticsearch.parameters.parse({ url, user, password, number_of_replicas: 0, ...over })
    const { signal } = new AbortController()
    try {
      return await elasticsearch.run({ reports, parameters, signal, log }, { http: client, templates })
    } finally {
      await client.close()
    }
  }

  async function countOf(index: string): Promise<number> {
    await openSearch.ask(`/${index}/_refresh`, { method: 'POST' })
    return ((await openSearch.ask(`/${index}/_count`)) as { count: number }).count
  }

  it('stores 500 at once, and no document twice, however often a batch is sent', async () => {
    const reports = reportsOf('again', 500)
    await send({ index: 'again' }, reports)
    await send({ index: 'again' }, [...reports, ...reportsOf('more', 1)])
    expect(await countOf('again-2026.11.24')).toBe(501)
  })

  it('tells why a document is refused, and stores the others', async () => {
    const mappings = { properties: { objects: { properties: { pod: { type: 'long' } } } } }
    await openSearch.ask('/strict', { method: 'PUT', body: { mappings } })
    const numbered = { objects: { pod: '7' } }
    const reports = reportsOf('refused', 3)
    const sent = send({ index: 'strict', suffix: 'none' }, [...reportsOf('stored', 2, numbered), ...reports])
    await expect(sent).rejects.toMatchObject({
      retryable: false,
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
      const told = { ...event, time, output: time, fields: { 'evt.time': time, evt: time, 'evt.arg': '2026-01-01' } }
      await send({}, reportsOf(`guess-${index}`, 1, { event: told, output: time || '2026-01-01', duration: index / 2 }))
    }
    expect(await countOf('falco-talon-2026.11.24')).toBe(times.length + 1)
  })
})
