import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prometheusMissing, startPrometheus, type Prometheus } from '../../../tools/counterparts/prometheus.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startServer, type Server } from './server.ts'

if (prometheusMissing) console.log(`not run: metrics at a real Prometheus: ${prometheusMissing}`)

const DOCS = join(import.meta.dirname, '../../../docs/observability')
const ALERTS = join(DOCS, 'alerts.yaml')

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
- rule: Cordon the node of nobody
  match: { rules: [Nobody] }
  actions:
    - action: Exec into nobody
      actionner: kubernetes:exec
      parameters: { command: "true", container: nobody }
`

function promtool(args: readonly string[], input?: string): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', cwd: DOCS, input })
  return `${status}: ${stdout}${stderr}`
}

/** Answers as a notifier's other side does on a bad day: told to come again, refused, then as usual. */
async function startMoody() {
  const answers = [429, 200, 400]
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(answers.shift() ?? 200, { 'retry-after': '0' }).end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return { url, close: () => new Promise((resolve) => server.close(resolve)) }
}

describe.skipIf(prometheusMissing)('alerts', () => {
  it('go off for what they are about, and for nothing else', () => {
    expect(promtool(['check', 'rules', 'alerts.yaml'])).toMatch(/^0: [\s\S]*SUCCESS/)
    expect(promtool(['test', 'rules', 'alerts.test.yaml'])).toMatch(/^0: [\s\S]*SUCCESS/)
  })

  it('are tested, each of them', () => {
    const named = (text: string, key: string) =>
      [...text.matchAll(new RegExp(`${key}: (\\w+)`, 'g'))].map(([, name = '']) => name)
    const tests = readFileSync(join(DOCS, 'alerts.test.yaml'), 'utf8')
    const fired = tests
      .split('- eval_time')
      .filter((test) => test.includes('exp_labels'))
      .join('')
    const all = named(readFileSync(ALERTS, 'utf8'), 'alert')
    expect(all.length).toBeGreaterThan(10)
    expect([...new Set(named(fired, 'alertname'))].toSorted()).toEqual(all.toSorted())
  })
})

describe.skipIf(prometheusMissing)('a Prometheus that reads the server', { timeout: 300_000 }, () => {
  let cluster: Cluster
  let server: Server
  let prometheus: Prometheus
  let moody: Awaited<ReturnType<typeof startMoody>>
  const rulesFile = () => join(server.folder, 'rules.yaml')

  beforeAll(async () => {
    cluster = await openCluster()
    const namespace = await cluster.newNamespace()
    await cluster.runPod(namespace, 'web-0')
    moody = await startMoody()
    server = await startServer({
      kubeconfig: cluster.kubeconfig,
      rules: RULES,
      config: `default_notifiers: [webhook]\nnotifiers: { webhook: { url: "${moody.url}" } }\nretries: 1\n`,
    })
    prometheus = await startPrometheus({ target: new URL(server.url).host, rules: [ALERTS] })
    let sent = 0
    const events = async () => {
      const pod = { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web-0', 'fd.name': `/${sent++}` }
      await server.post(falcoEvent('Shell', pod))
      await server.post(falcoEvent('Nobody', pod))
      await server.post('no JSON')
    }
    // A rate needs two readings of a counter that is there, and counts.
    await events()
    const readings = async () =>
      (await prometheus.query('sum(count_over_time(action_total[1m]))'))[0]?.values[0]?.[1] ?? 0
    await until(async () => (await readings()) >= 6 || undefined, 'Prometheus reads the actions')
    await events()
    const before = await readings()
    await until(async () => (await readings()) >= before + 9 || undefined, 'Prometheus reads more')
  }, 600_000)
  afterAll(async () => {
    await prometheus.close()
    await server.stop()
    await moody.close()
    await cluster.close()
  }, 240_000)

  it('finds nothing wrong with the page', async () => {
    expect(await prometheus.targets()).toEqual([expect.objectContaining({ health: 'up', lastError: '' })])
    const page = await fetch(`${server.url}/metrics`)
    expect(page.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(promtool(['check', 'metrics'], await page.text())).toBe('0: ')
  })

  it('has an answer for each query of the dashboard', async () => {
    const dashboard = JSON.parse(readFileSync(join(DOCS, 'dashboard.json'), 'utf8')) as {
      panels: { title: string; targets?: { expr: string; legendFormat: string }[] }[]
    }
    const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((query) => ({ title, ...query })))
    expect(queries.length).toBeGreaterThan(25)
    const wrong: string[] = []
    for (const { title, expr, legendFormat } of queries) {
      const series = await prometheus.query(expr.replaceAll('$__rate_interval', '1m'))
      const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
      const sound = series.every(
        ({ metric, values }) => labels.every((label) => metric[label]) && values.every(([, value]) => value >= 0),
      )
      if (!series.length || !sound) wrong.push(`${title}: ${expr}: ${JSON.stringify(series)}`)
    }
    expect(wrong).toEqual([])
  })

  it('says that rules with an error were not taken, and that an action failed', async () => {
    writeFileSync(rulesFile(), 'no rules')
    const rules = await until(async () => {
      const pending = new Set((await prometheus.alerts()).map(({ labels }) => labels['alertname'] ?? ''))
      return pending.has('TalonRulesNotReloaded') ? [...pending].toSorted() : undefined
    }, 'the alert is about to go off')
    expect(rules).toEqual(['TalonActionsFail', 'TalonNothingDone', 'TalonNotifierFails', 'TalonRulesNotReloaded'])
  })
})
