import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { deployment, startSandbox } from '@talon/sandbox'
import { startTalon, end } from '../bench/load.ts'
import { freePort } from '../counterparts/free-port.ts'
import { startPrometheus, type Prometheus } from '../counterparts/prometheus.ts'
import { sections, type Panel } from '../observability/panels.ts'
import { screenshot } from './browser.ts'
import { graph, page, tile, type Named } from './chart.ts'

/** Seconds that are shown. */
const SHOWN = 90
const NOTE =
  'A minute and a half of a real server, read by a real Prometheus. Drawn by a page of our own from what its query API answers to the queries of dashboard.json; Grafana draws them in its own way.'

const RULES = `
- rule: Keep an eye on shells
  match: { rules: [Terminal shell in container] }
  actions:
    - { action: Label the pod, actionner: "kubernetes:label", parameters: { labels: { suspicious: "true" } } }
    - action: Keep its logs
      actionner: kubernetes:log
      output: { target: "local:file", parameters: { destination: "{folder}" } }
- rule: Cut off what calls out
  match: { rules: [Unexpected outbound connection] }
  actions: [{ action: Block its egress, actionner: "kubernetes:networkpolicy" }]
- rule: End miners
  match: { rules: [Crypto miner] }
  actions: [{ action: End the pod, actionner: "kubernetes:terminate", parameters: { min_healthy_replicas: "2" } }]
- rule: Look into the debug container
  match: { rules: [Debug tool launched] }
  actions: [{ action: List processes, actionner: "kubernetes:exec", parameters: { command: ps, container: debug } }]
`
/** What happens, how urgent it is, and how often of a hundred times. */
const EVENTS = [
  ['Terminal shell in container', 'Notice', 35],
  ['Unexpected outbound connection', 'Warning', 20],
  ['Crypto miner', 'Critical', 6],
  ['Debug tool launched', 'Informational', 5],
  ['Read of a sensitive file', 'Warning', 34],
] as const

/** The dashboard's panels for a server that is at work. */
export async function dashboard(file: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'talon-picture-'))
  const sandbox = await startSandbox({ log: ({ pod }) => `${pod.metadata.name} is up\n`, replaceDelay: 400 })
  sandbox.seed(...deployment({ name: 'web', namespace: 'shop', replicas: 30 }))
  const webhook = await startWebhook()
  const port = await freePort()
  const path = (name: string) => join(folder, name)
  writeFileSync(path('rules.yaml'), RULES.replaceAll('{folder}', folder))
  const settings = {
    ...{ listen_address: '127.0.0.1', listen_port: port, kubeconfig: sandbox.writeKubeconfig(path('kubeconfig')) },
    journal: { path: path('journal') },
    default_notifiers: ['webhook'],
    notifiers: { webhook: { url: webhook.url } },
  }
  writeFileSync(path('config.yaml'), JSON.stringify(settings)) // JSON is YAML
  const talon = startTalon(path('config.yaml'), path('rules.yaml'))
  const url = `http://127.0.0.1:${port}`
  let prometheus: Prometheus | undefined
  try {
    while (!(await fetch(`${url}/readyz`).catch(() => undefined))?.ok) await sleep(50)
    prometheus = await startPrometheus({ target: `127.0.0.1:${port}` })
    const pods = async () => {
      const answer = await fetch(`${sandbox.url}/api/v1/namespaces/shop/pods`)
      const { items } = (await answer.json()) as { items: { metadata: { name: string } }[] }
      return items.map(({ metadata }) => metadata.name)
    }
    await work(url, pods)
    await screenshot(await draw(prometheus), file, { width: 1280 })
  } finally {
    await prometheus?.close()
    await end(talon)
    await webhook.close()
    await sandbox.close()
    rmSync(folder, { recursive: true })
  }
}

/** Sends events as a busy cluster does: in waves. */
async function work(url: string, pods: () => Promise<readonly string[]>): Promise<void> {
  const began = performance.now()
  for (let n = 0; performance.now() - began < SHOWN * 1000; n++) {
    const seconds = (performance.now() - began) / 1000
    const names = await pods()
    let dice = Math.random() * 100
    const [rule, priority] = EVENTS.find(([, , share]) => (dice -= share) < 0) ?? EVENTS[0]
    const fields = { 'k8s.ns.name': 'shop', 'k8s.pod.name': names[n % names.length], 'fd.name': `/tmp/${n}` }
    const event = { rule, priority, source: 'syscall', time: new Date().toISOString(), output_fields: fields }
    // Now and then somebody posts what is no event.
    const body = n % 60 === 0 ? 'hello' : JSON.stringify(event)
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    await sleep(1000 / (14 + 10 * Math.sin(seconds / 7)))
  }
}

/** A webhook that is busy at times, and does not like every report. */
async function startWebhook() {
  const server = createServer((request, response) => {
    const dice = Math.random()
    const status = dice < 0.01 ? 400 : dice < 0.06 ? 503 : 200
    request.resume().on('end', () => setTimeout(() => response.writeHead(status).end(), 5 + Math.random() * 60))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const close = () => new Promise((resolve) => server.close(resolve))
  return { url: `http://127.0.0.1:${port}`, close }
}

async function draw(prometheus: Prometheus): Promise<string> {
  const to = Math.floor(Date.now() / 1000)
  const from = to - SHOWN
  const linesOf = async ({ queries }: Panel): Promise<Named[]> => {
    const all = queries.map(async ({ expr, legend }) => {
      const series = await prometheus.range(expr.replaceAll('$__rate_interval', '10s'), from, to, 1)
      return series.map(({ metric, values }) => ({
        name: legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ''),
        values,
      }))
    })
    return (await Promise.all(all)).flat()
  }
  const drawn = sections.map(async ({ title, panels }) => ({
    title,
    panels: await Promise.all(
      panels.map(async (panel) => {
        const lines = await linesOf(panel)
        return panel.kind === 'number' ? tile(panel, lines) : graph(panel, lines, from, to)
      }),
    ),
  }))
  return page('Talon', NOTE, await Promise.all(drawn))
}
