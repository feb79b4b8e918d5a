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
const EVENTS = 1_000
const RATE = 200
const NAMESPACE = 'default'

const RULES = `
- rule: Shell
  match: { rules: [Terminal shell in container] }
  actions: [{ action: End it, actionner: "kubernetes:terminate" }]
`

/** From an event's being sent to the pod's DELETE at the API server, beside the same GET and DELETE sent bare. */
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
  writeFileSync(join(folder, 'rules.yaml'), RULES)
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
    await createPods(
      relay.url,
      NAMESPACE,
      ['bare-warm', 'talon-warm', 'bare', 'talon'].flatMap((name) => names(name)),
    )
    const bare = (name: string) => bareDelete(relay.url, name)
    const asked = (name: string) => post(url, name)
    await measure(relay, 'bare-warm', bare)
    await measure(relay, 'talon-warm', asked)
    const baseline = await measure(relay, 'bare', bare)
    const measured = await measure(relay, 'talon', asked)
    return [0.5, 0.99].map((share) => {
      const [ours, theirs] = [quantile(measured, share), quantile(baseline, share)]
      const aim = share === 0.5 ? 1 : 5
      return {
        what: `an event to its pod's DELETE at the API server, p${share * 100}, ${RATE} events/s`,
        measured: `${ours.toFixed(2)} ms`,
        baseline: `the same GET and DELETE bare: ${theirs.toFixed(2)} ms`,
        result: `${(ours - theirs).toFixed(2)} ms more`,
        aim: `<= ${aim} ms more`,
        met: ours - theirs <= aim,
      }
    })
  } finally {
    talon.kill('SIGKILL')
    await gone
    await relay.close()
    rmSync(folder, { recursive: true })
  }
}

const names = (prefix: string) =>
  Array.from({ length: prefix.endsWith('warm') ? EVENTS / 4 : EVENTS }, (_, n) => `${prefix}-${n}`)

/** Starts one a beat, whether the last is over or not, and gives the times from the start to the DELETE, in ms. */
async function measure(relay: Relay, prefix: string, start: (name: string) => Promise<void>): Promise<number[]> {
  const begun = new Map<string, number>()
  const first = performance.now()
  const running: Promise<void>[] = []
  for (const [index, name] of names(prefix).entries()) {
    const wait = first + (index * 1000) / RATE - performance.now()
    if (wait > 0) await sleep(wait)
    begun.set(name, performance.now())
    running.push(start(name))
  }
  await Promise.all(running)
  await until(async () => {
    if (![...begun.keys()].every((name) => relay.deleted.has(name)))
      throw new Error(`not all pods of ${prefix} were deleted`)
  }, 50)
  return [...begun].map(([name, began]) => (relay.deleted.get(name) ?? Number.NaN) - began)
}

async function post(url: string, pod: string): Promise<void> {
  const body = JSON.stringify({
    rule: 'Terminal shell in container',
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

async function bareDelete(url: string, pod: string): Promise<void> {
  const path = `${url}/api/v1/namespaces/${NAMESPACE}/pods/${pod}`
  const found = await fetch(path)
  const { metadata } = (await found.json()) as { metadata: { uid: string } }
  const body = JSON.stringify({
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    gracePeriodSeconds: 0,
    preconditions: { uid: metadata.uid },
  })
  const answer = await fetch(path, { method: 'DELETE', headers: { 'content-type': 'application/json' }, body })
  if (!answer.ok) throw new Error(`DELETE answers ${answer.status}`)
  await answer.arrayBuffer()
}
