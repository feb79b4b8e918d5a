import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { missing, runInCluster } from '../cluster/cluster.ts'
import { createPods, startRelay, type Relay } from './relay.ts'
import { freePort, until } from './ports.ts'
import { quantile, type Bench, type Row } from './row.ts'

const TALON = join(import.meta.dirname, '../../apps/cli/bin/talon.mjs')
const NAMESPACE = 'default'

/** One response, and the calls that it comes down to. */
interface Response {
  readonly name: string
  readonly actionner: string
  readonly parameters: object
  /** The write that is waited for. */
  readonly method: 'DELETE' | 'PATCH'
  /** The same calls, bare, on a warm connection. */
  readonly bare: (api: string, pod: string) => Promise<void>
  readonly events: number
  /** Events a second. */
  readonly rate: number
  /** Milliseconds more at p50 and at p99. */
  readonly aims?: readonly [number, number]
}

const terminate = {
  name: "its pod's DELETE",
  actionner: 'kubernetes:terminate',
  parameters: {},
  method: 'DELETE',
  bare: async (api: string, pod: string) => {
    const { metadata } = await call(api, 'GET', podPath(pod))
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 }
    await call(api, 'DELETE', podPath(pod), { ...options, preconditions: { uid: metadata.uid } })
  },
} as const

const RESPONSES: readonly Response[] = [
  { ...terminate, events: 1_000, rate: 200, aims: [1, 5] },
  { ...terminate, events: 300, rate: 50 },
  {
    name: "its pod's label",
    actionner: 'kubernetes:label',
    parameters: { labels: { suspicious: 'true' } },
    method: 'PATCH',
    bare: async (api, pod) => {
      const { metadata } = await call(api, 'GET', podPath(pod))
      const patch = { metadata: { uid: metadata.uid, labels: { suspicious: 'true' } } }
      await call(api, 'PATCH', podPath(pod), patch, 'application/merge-patch+json')
    },
    events: 300,
    rate: 50,
  },
  {
    name: "its pod's network policy",
    actionner: 'kubernetes:networkpolicy',
    parameters: {},
    method: 'PATCH',
    bare: async (api, pod) => {
      await call(api, 'GET', podPath(pod))
      const path = `/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/networkpolicies/talon-${pod}`
      await call(api, 'GET', path)
      const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: `talon-${pod}` } }
      const spec = { podSelector: { matchLabels: { app: pod } }, policyTypes: ['Egress'], egress: [] }
      await call(api, 'PATCH', `${path}?fieldManager=bench`, { ...policy, spec }, 'application/apply-patch+yaml')
    },
    events: 300,
    rate: 50,
  },
]

const rules = JSON.stringify(
  [...new Map(RESPONSES.map((response) => [response.actionner, response])).values()].map(
    ({ actionner, parameters }) => ({
      rule: actionner,
      match: { rules: [actionner] },
      actions: [{ action: 'Do it', actionner, parameters }],
    }),
  ),
)

/** From an event's being sent to its write at the API server, beside the same calls sent bare. */
export const reaction: Bench = {
  name: 'reaction',
  missing: await missing(),
  async run() {
    const kubeconfig = process.env['KUBECONFIG_E2E']
    if (kubeconfig !== undefined) return measureAt(kubeconfig)
    // Beside the cluster, in its namespaces: from outside, each request would pass a relay more.
    const folder = mkdtempSync(join(tmpdir(), 'talon-bench-'))
    const file = join(folder, 'rows.json')
    const self = [process.execPath, ...process.execArgv, join(import.meta.dirname, 'reaction-rows.ts'), file]
    const { gone } = await runInCluster(self, 1)
    if ((await gone) !== 0) throw new Error('the measurement beside the cluster failed: see above')
    const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[]
    rmSync(folder, { recursive: true })
    return rows
  },
}

async function measureAt(kubeconfig: string): Promise<Row[]> {
  const relay = await startRelay(kubeconfig)
  const folder = mkdtempSync(join(tmpdir(), 'talon-bench-'))
  const port = await freePort()
  writeFileSync(join(folder, 'kubeconfig'), relay.kubeconfig)
  writeFileSync(join(folder, 'rules.yaml'), rules)
  writeFileSync(
    join(folder, 'config.yaml'),
    `listen_address: 127.0.0.1\nlisten_port: ${port}\nkubeconfig: ${join(folder, 'kubeconfig')}\nlog_format: json\njournal: { type: memory }\n`,
  )
  const args = [TALON, 'server', '-c', join(folder, 'config.yaml'), '-r', join(folder, 'rules.yaml')]
  const talon = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const gone = once(talon, 'exit')
  try {
    const url = `http://127.0.0.1:${port}`
    await until(async () => {
      if (!(await fetch(`${url}/readyz`)).ok) throw new Error('not ready')
    })
    const rows: Row[] = []
    for (const response of RESPONSES) rows.push(...(await compare(response, url, relay)))
    return rows
  } finally {
    talon.kill('SIGKILL')
    await gone
    await relay.close()
    rmSync(folder, { recursive: true })
  }
}

async function compare(response: Response, talon: string, relay: Relay): Promise<Row[]> {
  const { name, actionner, bare, events, rate, aims } = response
  const names = (kind: string, count: number) =>
    Array.from({ length: count }, (_, n) => `${kind}-${actionner.replace(':', '-')}-${rate}-${n}`)
  const warm = { bare: names('bare-warm', events / 4), ours: names('ours-warm', events / 4) }
  const counted = { bare: names('bare', events), ours: names('ours', events) }
  await createPods(relay.url, NAMESPACE, [...Object.values(warm), ...Object.values(counted)].flat())
  const baseline = (pods: readonly string[]) => measure(relay, response, pods, (pod) => bare(relay.url, pod))
  const measured = (pods: readonly string[]) => measure(relay, response, pods, (pod) => post(talon, actionner, pod))
  await baseline(warm.bare)
  await measured(warm.ours)
  const theirs = await baseline(counted.bare)
  const ours = await measured(counted.ours)
  return ([0.5, 0.99] as const).map((share, index) => {
    const more = quantile(ours, share) - quantile(theirs, share)
    const aim = aims?.[index]
    return {
      what: `an event to ${name} at the API server, p${share * 100}, ${rate} events/s`,
      measured: `${quantile(ours, share).toFixed(2)} ms`,
      baseline: `the same calls bare: ${quantile(theirs, share).toFixed(2)} ms`,
      result: `${more.toFixed(2)} ms more`,
      aim: aim === undefined ? '' : `<= ${aim} ms more`,
      met: aim === undefined ? undefined : more <= aim,
    }
  })
}

/** Starts one a beat, whether the last is over or not, and gives the times from the start to the write, in ms. */
async function measure(
  relay: Relay,
  { method, rate }: Response,
  pods: readonly string[],
  start: (pod: string) => Promise<void>,
): Promise<number[]> {
  const begun = new Map<string, number>()
  const first = performance.now()
  const running: Promise<void>[] = []
  for (const [index, pod] of pods.entries()) {
    const wait = first + (index * 1000) / rate - performance.now()
    if (wait > 0) await sleep(wait)
    begun.set(`${method} ${pod}`, performance.now())
    running.push(start(pod))
  }
  await Promise.all(running)
  await until(async () => {
    if (![...begun.keys()].every((key) => relay.arrived.has(key))) throw new Error('not all writes have arrived')
  }, 50)
  return [...begun].map(([key, began]) => (relay.arrived.get(key) ?? Number.NaN) - began)
}

async function post(url: string, rule: string, pod: string): Promise<void> {
  const body = JSON.stringify({
    rule,
    priority: 'Notice',
    source: 'syscall',
    hostname: 'node-1',
    output: `A shell was spawned in ${pod}`,
    time: new Date().toISOString(),
    output_fields: { 'k8s.ns.name': NAMESPACE, 'k8s.pod.name': pod, 'proc.cmdline': 'sh' },
  })
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  if (answer.status !== 202) throw new Error(`Talon answers ${answer.status}`)
  await answer.arrayBuffer()
}

const podPath = (pod: string) => `/api/v1/namespaces/${NAMESPACE}/pods/${pod}`

/** A call of the API; a policy that is not there yet is no error. */
async function call(
  api: string,
  method: string,
  path: string,
  body?: object,
  type = 'application/json',
): Promise<{ metadata: { uid: string } }> {
  const headers = { 'content-type': type }
  const answer = await fetch(`${api}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  if (!answer.ok && answer.status !== 404) throw new Error(`${method} ${path} answers ${answer.status}`)
  return (await answer.json()) as { metadata: { uid: string } }
}
