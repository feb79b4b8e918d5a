import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../tools/counterparts/free-port.ts'
import { startCollector, type CollectedSpan, type Collector } from '../../../tools/counterparts/otelcol.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startReceiver } from './receiver.ts'
import { startServer } from './server.ts'

const missing = spawnSync('go', ['version']).error !== undefined
if (missing) console.log('not run: traces at a real collector, which is built with Go')

const RULES = `
- rule: Answer a shell
  match: { rules: [Shell] }
  actions:
    - action: Label it
      actionner: kubernetes:label
      parameters: { labels: { suspicious: "true" } }
    - action: Keep the logs
      actionner: kubernetes:log
      output: { target: "local:file", parameters: { destination: "{folder}" } }
    - action: Note it
      actionner: kubernetes:annotation
      parameters: { annotations: { seen: "yes" } }
      ignore_errors: true
`
const SENDER = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
const SECRET = 'hook-with-a-secret-in-its-path'

const otel = (port: number, more = '') =>
  `otel: { traces_enabled: true, metrics_enabled: true, collector_endpoint: 127.0.0.1, collector_port: ${port}, timeout: 2, ${more} }\n`

describe.skipIf(missing)('what the server tells a collector', { timeout: 300_000 }, () => {
  let cluster: Cluster
  let collector: Collector
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let namespace: string
  beforeAll(async () => {
    cluster = await openCluster()
    namespace = await cluster.newNamespace()
    receiver = await startReceiver()
    collector = await startCollector()
    await cluster.runPod(namespace, 'web-0')
  }, 600_000)
  afterAll(async () => {
    await collector.close()
    await receiver.close()
    await cluster.close()
  }, 240_000)

  const config = (port: number, more?: string) =>
    `default_notifiers: [webhook]\nnotifiers: { webhook: { url: "${receiver.url}/${SECRET}" } }\n${otel(port, more)}`
  const shell = (pod = 'web-0') => falcoEvent('Shell', { 'k8s.ns.name': namespace, 'k8s.pod.name': pod })

  it('is one trace an event, from the sender to each notification, the same in log, answer and reports', async () => {
    const server = await startServer({
      kubeconfig: cluster.kubeconfig,
      rules: RULES,
      config: config(collector.port, 'collector_use_insecure_grpc: true'),
    })
    const answer = await server.post(shell(), {
      'content-type': 'application/json',
      traceparent: `00-${SENDER.traceId}-${SENDER.spanId}-01`,
    })
    expect(answer.headers.get('x-trace-id')).toBe(SENDER.traceId)
    await until(() => receiver.received.length >= 4 || undefined, 'the webhook is told of three actions and an output')
    expect(await server.stop()).toBe(0)

    const spans = await until(() => {
      const mine = collector.spans().filter(({ traceId }) => traceId === SENDER.traceId)
      return mine.some(({ name }) => name === 'event') ? mine : undefined
    }, 'the collector has written the last span')
    const named = new Map(spans.map((span) => [span.spanId, span.name]))
    const under = (name: string) =>
      spans
        .filter(({ parentSpanId }) => named.get(parentSpanId) === name)
        .map((span) => span.name)
        .toSorted()
    const one = (name: string) => spans.find((span) => span.name === name) as CollectedSpan
    expect(one('event').parentSpanId).toBe(SENDER.spanId)
    expect(under('event')).toEqual([
      'action kubernetes:annotation',
      'action kubernetes:label',
      'action kubernetes:log',
      'match',
      ...Array.from({ length: 4 }, () => 'notification webhook'),
      'output local:file',
    ])
    for (const action of ['label', 'log', 'annotation'])
      expect(under(`action kubernetes:${action}`)).toEqual(['checks'])
    expect(one('event').resource).toMatchObject({
      'service.name': 'falco-talon',
      'service.version': expect.any(String),
    })
    expect(one('action kubernetes:label').attributes).toMatchObject({
      'falco.rule': 'Shell',
      'talon.rule': 'Answer a shell',
      'talon.object.pod': 'web-0',
      'talon.status': 'success',
    })

    const lines = server
      .output()
      .split('\n')
      .filter((line) => line.includes(SENDER.traceId))
      .map((line) => JSON.parse(line) as { message: string; trace_id: string })
    expect(lines.every((line) => line.trace_id === SENDER.traceId)).toBe(true)
    expect([...new Set(lines.map(({ message }) => message))].toSorted()).toEqual([
      'action',
      'event',
      'match',
      'notification',
      'output',
    ])
    expect(receiver.received.map((told) => (told as unknown as { trace_id: string }).trace_id)).toEqual(
      Array.from({ length: receiver.received.length }, () => SENDER.traceId),
    )
    expect(JSON.stringify(spans) + server.output()).not.toContain(SECRET)
  })

  it('is also its metrics, the last of them when it ends', async () => {
    const server = await startServer({
      kubeconfig: cluster.kubeconfig,
      rules: RULES,
      config: config(collector.port, 'collector_use_insecure_grpc: true'),
    })
    await server.post(shell())
    const before = receiver.received.length
    await until(() => receiver.received.length >= before + 4 || undefined, 'the webhook is told')
    await server.stop()
    const metrics = new Map(collector.metrics().map((metric) => [metric.name, metric]))
    expect(metrics.get('event')?.points).toEqual([
      { attributes: { event: 'Shell', priority: 'Notice', source: 'syscall' }, value: 1 },
    ])
    expect(metrics.get('action')?.points).toHaveLength(3)
    expect([...metrics.keys()]).toEqual(
      expect.arrayContaining(['match', 'output', 'notification', 'reaction_seconds', 'action_wait_seconds', 'rules']),
    )
    expect(metrics.get('event')?.resource).toMatchObject({ 'service.name': 'falco-talon' })
  })

  it('goes over TLS unless it is told otherwise', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-tls-'))
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const subject = ['-subj', '/CN=collector', '-addext', 'subjectAltName=IP:127.0.0.1']
    const made = spawnSync(
      'openssl',
      [...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert], ...subject],
      { encoding: 'utf8' },
    )
    expect(made.stderr + readFileSync(cert, 'utf8')).toContain('CERTIFICATE')
    const secure = await startCollector({ tls: { cert, key } })
    const server = await startServer({
      kubeconfig: cluster.kubeconfig,
      rules: RULES,
      config: config(secure.port),
      env: { OTEL_EXPORTER_OTLP_CERTIFICATE: cert },
    })
    await server.post(shell('nobody'))
    await server.stop()
    const written = await until(
      () => secure.spans().find(({ name }) => name === 'event'),
      'the collector has written what came over TLS',
    )
    expect(written.traceId).toMatch(/^[0-9a-f]{32}$/)
    await secure.close()
    rmSync(folder, { recursive: true })
  })

  it('is lost where nobody listens, which slows nothing and is said once', async () => {
    const port = await freePort()
    const server = await startServer({
      kubeconfig: cluster.kubeconfig,
      rules: RULES,
      config: config(port, 'collector_use_insecure_grpc: true'),
    })
    // Several messages' worth of spans: each cannot be handed over.
    const answers = await Promise.all(Array.from({ length: 400 }, (_, n) => server.post(shell(`nobody-${n}`))))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    const failures = /^telemetry_export_total\{signal="traces",result="failure".*\} (\d+)$/m
    await until(async () => {
      const [, failed] = failures.exec(await (await fetch(`${server.url}/metrics`)).text()) ?? []
      return Number(failed) >= 2 || undefined
    }, 'two hand-overs failed')
    expect(await server.stop()).toBe(0)
    const said = server
      .output()
      .split('\n')
      .filter((line) => line.includes('traces could not be handed'))
    expect(said).toHaveLength(1)
  })
})
