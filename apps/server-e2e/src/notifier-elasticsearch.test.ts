import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { selfSigned } from '../../../tools/counterparts/certificate.ts'
import { startOpenSearch, type OpenSearch } from '../../../tools/counterparts/opensearch.ts'
import { openSearchJars } from '../../../tools/counterparts/opensearch/jars.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { HOSTILE } from './hostile.ts'
import { startServer, type Server } from './server.ts'

const missing = await openSearchJars().then(
  () => undefined,
  (error: Error) => error.message,
)
if (missing) console.warn(`not run, Elasticsearch end to end: ${missing}`)

const RULES = `
- rule: Mark the suspect
  match: { rules: [Terminal shell in container, Hostile] }
  actions:
    - action: Label it
      actionner: kubernetes:label
      parameters: { labels: { suspicious: 'true' } }
`
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const INDEX = `falco-talon-${new Date().toISOString().slice(0, 10).replaceAll('-', '.')}`

interface Found {
  readonly hits: { readonly total: { readonly value: number }; readonly hits: readonly Hit[] }
}
interface Hit {
  readonly _id: string
  readonly _index: string
  readonly _source: Readonly<Record<string, unknown>>
}

describe.skipIf(missing)('Elasticsearch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-elasticsearch-'))
  let [cluster, openSearch, server]: [Cluster?, OpenSearch?, Server?] = []
  let namespace: string

  beforeAll(async () => {
    ;[cluster, openSearch] = await Promise.all([openCluster(), startOpenSearch({ tls: selfSigned(folder) })])
    namespace = await cluster.newNamespace()
    await cluster.runPod(namespace, 'web')
    server = await start(openSearch.password)
  }, 240_000)
  afterAll(async () => {
    await server?.stop()
    await openSearch?.close()
    await cluster?.close()
    rmSync(folder, { recursive: true })
  }, 240_000)

  const start = (password: string) =>
    startServer({
      kubeconfig: cluster!.kubeconfig,
      rules: RULES,
      config: `default_notifiers: [elasticsearch]
deduplication: { time_window_seconds: 0 }
http: { ca_file: "${join(folder, 'cert.pem')}" }
notifiers:
  elasticsearch: { url: "${openSearch!.url}", user: "${openSearch!.user}", password: "${password}", number_of_replicas: 0 }`,
    })

  async function find(query: object): Promise<readonly Hit[]> {
    await openSearch!.ask('/falco-talon-*/_refresh', { method: 'POST' })
    const body = { query, size: 100 }
    return ((await openSearch!.ask('/falco-talon-*/_search', { method: 'POST', body })) as Found).hits.hits
  }
  const arrived = (query: object, count: number) =>
    until(
      async () => {
        // A new index answers with 503 until its shards have started.
        const hits = await find(query).catch(() => [])
        return hits.length >= count ? hits : undefined
      },
      `${count} documents for ${JSON.stringify(query)}`,
    )

  it('finds by its trace what Talon did about an event, in the index of the day', { timeout: 240_000 }, async () => {
    const event = falcoEvent('Terminal shell in container', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web' })
    const headers = { 'content-type': 'application/json', traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }
    expect((await server!.post(event, headers)).status).toBe(202)
    const [hit] = await arrived({ term: { 'trace_id.keyword': TRACE } }, 1)
    const { _id, _index, _source: stored } = hit!
    expect([_id, _index]).toEqual([stored['id'], INDEX])
    expect(stored).toMatchObject({
      trace_id: TRACE,
      rule: 'Mark the suspect',
      action: 'Label it',
      actionner: 'kubernetes:label',
      message: 'action',
      status: 'success',
      objects: { pod: 'web', namespace },
      falco: { output_fields: expect.arrayContaining(['evt.time=1795521584834631763']) as unknown },
    })
    const exact = { term: { 'falco.output_fields': 'evt.time=1795521584834631763' } }
    expect(await find({ bool: { filter: [exact, { term: { 'rule.keyword': 'Mark the suspect' } }] } })).toHaveLength(1)
  })

  it('stores what an attacker wrote as values, and adds no field for it', { timeout: 240_000 }, async () => {
    const fieldsOf = async () => JSON.stringify(await openSearch!.ask(`/${INDEX}/_mapping`))
    const before = await fieldsOf()
    for (const [index, value] of HOSTILE.entries()) {
      const fields = {
        'k8s.ns.name': namespace,
        'k8s.pod.name': 'web',
        mark: `hostile ${index}`,
        [value]: value,
        evt: 1,
      }
      const event = falcoEvent('Hostile', fields, { output: value, tags: [value], hostname: value, time: value })
      expect((await server!.post(event)).status).toBe(202)
    }
    const hits = await arrived({ term: { 'falco.rule.keyword': 'Hostile' } }, HOSTILE.length)
    expect(hits).toHaveLength(HOSTILE.length)
    expect(new Set(hits.map(({ _index }) => _index))).toEqual(new Set([INDEX]))
    expect(await fieldsOf()).toBe(before)
  })

  it('makes its index template once, and leaves it as it is', async () => {
    const path = '/_index_template/falco-talon'
    interface Templates {
      index_templates: [{ index_template: { index_patterns: string[]; template: { settings: object } } }]
    }
    const {
      index_templates: [{ index_template }],
    } = (await openSearch!.ask(path)) as Templates
    expect(index_template.template.settings).toEqual({ index: { number_of_shards: '3', number_of_replicas: '0' } })
    const body = { ...index_template, version: 7 }
    await openSearch!.ask(path, { method: 'PUT', body })
    const again = await start(openSearch!.password)
    const event = falcoEvent('Terminal shell in container', {
      'k8s.ns.name': namespace,
      'k8s.pod.name': 'web',
      once: 'more',
    })
    expect((await again.post(event)).status).toBe(202)
    await arrived({ term: { 'falco.output_fields': 'once=more' } }, 1)
    await again.stop()
    expect(again.output()).not.toContain('the index template was not made')
    expect(await openSearch!.ask(path)).toMatchObject({ index_templates: [{ index_template: { version: 7 } }] })
  }, 240_000)

  it('says of a wrong password what to check, and does not show it', { timeout: 240_000 }, async () => {
    const wrong = await start('not-the-password')
    const event = falcoEvent('Terminal shell in container', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web' })
    expect((await wrong.post(event)).status).toBe(202)
    await until(() => wrong.output().includes('answered 401') || undefined, 'the refusal is logged')
    await wrong.stop()
    expect(wrong.output()).toContain('check the credentials in its settings')
    expect(wrong.output()).not.toContain('not-the-password')
  })
})
