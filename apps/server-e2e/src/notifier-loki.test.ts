import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { binary } from '../../../tools/cluster/binaries.ts'
import { selfSigned } from '../../../tools/counterparts/certificate.ts'
import { startRelay } from '../../../tools/counterparts/relay.ts'
import { startVictoriaLogs, type VictoriaLogs } from '../../../tools/counterparts/victoria-logs.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { HOSTILE } from './hostile.ts'
import { startServer, type Server } from './server.ts'

const missing = await binary('victoria-logs').then(
  () => undefined,
  (error: Error) => error.message,
)
if (missing) console.warn(`not run, Loki end to end: ${missing}`)

const RULES = `
- rule: Mark the suspect
  match: { rules: [Terminal shell in container, Hostile] }
  actions:
    - action: Label it
      actionner: kubernetes:label
      parameters: { labels: { suspicious: 'true' } }

- rule: Only say it
  match: { rules: [One of many] }
  dry_run: true
  actions:
    - action: Keep the logs
      actionner: kubernetes:log
`
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const MANY = 10_000

describe.skipIf(missing)('Loki', () => {
  const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-loki-'))
  let [cluster, logs, server]: [Cluster?, VictoriaLogs?, Server?] = []
  let namespace: string

  beforeAll(async () => {
    ;[cluster, logs] = await Promise.all([openCluster(), startVictoriaLogs({ tls: selfSigned(folder) })])
    namespace = await cluster.newNamespace()
    await cluster.runPod(namespace, 'web')
    server = await start({ tenant: '7' })
  }, 240_000)
  afterAll(async () => {
    await server?.stop()
    await logs?.close()
    await cluster?.close()
    rmSync(folder, { recursive: true })
  }, 240_000)

  function start(settings: Readonly<Record<string, string>>): Promise<Server> {
    const { url, user, password: api_key } = logs!
    // VictoriaLogs knows tenants by a header of its own.
    const custom_headers = settings['tenant'] ? { AccountID: settings['tenant'] } : {}
    return startServer({
      kubeconfig: cluster!.kubeconfig,
      rules: RULES,
      config: `default_notifiers: [loki]
deduplication: { time_window_seconds: 0 }
retries: 10
http: { ca_file: "${join(folder, 'cert.pem')}" }
notifiers: { loki: ${JSON.stringify({ url, user, api_key, custom_headers, ...settings })} }`,
    })
  }
  const arrived = (query: string, count: number, tenant = 0) =>
    until(async () => {
      const entries = await logs!.query(query, tenant)
      return entries.length >= count ? entries : undefined
    }, `${count} entries for ${query}`)

  it('finds by its trace what Talon did about an event', { timeout: 240_000 }, async () => {
    const event = falcoEvent('Terminal shell in container', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web' })
    const headers = { 'content-type': 'application/json', traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }
    expect((await server!.post(event, headers)).status).toBe(202)
    const query = `{rule="mark_the_suspect",status="success"} trace_id:="${TRACE}"`
    const entries = await arrived(query, 1, 7)
    expect(entries).toHaveLength(1)
    expect(entries[0]).toMatchObject({
      rule: 'mark_the_suspect',
      rule_name: 'Mark the suspect',
      action: 'label_it',
      actionner: 'kubernetes:label',
      message: 'action',
      status: 'success',
      namespace,
      trace_id: TRACE,
      'objects.pod': 'web',
      'falco.output_fields.evt.time': '1795521584834631763',
    })
  })

  it('keeps what an attacker wrote in the line, and out of the labels', { timeout: 240_000 }, async () => {
    for (const value of HOSTILE) {
      const fields = { 'k8s.ns.name': value, 'k8s.pod.name': 'web', [value]: value }
      const event = falcoEvent('Hostile', fields, { output: value, tags: [value], hostname: value })
      expect((await server!.post(event)).status).toBe(202)
    }
    const entries = await arrived('falco.rule:="Hostile"', HOSTILE.length, 7)
    expect(entries).toHaveLength(HOSTILE.length)
    const [stream, ...more] = new Set(entries.map(({ _stream }) => _stream))
    expect(more).toEqual([])
    expect(stream).toContain('namespace="other"')
  })

  it('tells of ten thousand in at most a hundred pushes, each once', { timeout: 240_000 }, async () => {
    const relay = await startRelay(new URL(logs!.url).host.replace('localhost', '127.0.0.1'))
    const busy = await start({ url: `https://localhost:${relay.endpoint.split(':')[1]}/insert` })
    // A Loki that stands still: what comes meanwhile waits in the queue of the engine, but for four calls that stand too.
    void relay.hold(0)
    const before = await logs!.pushes()
    const todo = Array.from({ length: MANY }, (_, index) => index)
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
          const fields = { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web', mark: `${index}` }
          expect((await busy.post(falcoEvent('One of many', fields))).status).toBe(202)
        }
      }),
    )
    await until(async () => {
      const metrics = await (await fetch(`${busy.url}/metrics`)).text()
      return Number(/waiting_reports\S* (\d+)/.exec(metrics)?.[1]) > MANY - 4 * 500 - 100 || undefined
    }, 'all the others wait')
    relay.release()
    const count = '{rule="only_say_it"} | stats count() reports, count_uniq(id) ids'
    await until(
      async () => (Number((await logs!.query(count))[0]?.['reports']) >= MANY ? true : undefined),
      'all of them have arrived',
    )
    const pushes = (await logs!.pushes()) - before
    await busy.stop()
    await relay.close()
    expect((await logs!.query(count))[0]).toEqual({ reports: `${MANY}`, ids: `${MANY}` })
    expect(pushes).toBeGreaterThan(0)
    expect(pushes).toBeLessThanOrEqual(100)
  })

  it('says of a wrong password what to check, and does not show it', { timeout: 240_000 }, async () => {
    const wrong = await start({ api_key: 'not-the-password' })
    const event = falcoEvent('Terminal shell in container', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web' })
    expect((await wrong.post(event)).status).toBe(202)
    await until(() => wrong.output().includes('answered 401') || undefined, 'the refusal is logged')
    await wrong.stop()
    expect(wrong.output()).toContain('check the credentials in its settings')
    expect(wrong.output()).not.toContain('not-the-password')
  })
})
