import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** One line of a graph, or one value. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>
  /** Unix seconds and values. */
  readonly values: readonly (readonly [time: number, value: number])[]
}

/** An alert that goes off or is about to. */
export interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

/** A Prometheus on loopback, as its own process, that reads one server once a second. */
export interface Prometheus {
  /** What the query says now. @throws with the words of Prometheus where it is wrong. */
  query(expr: string): Promise<Series[]>
  /** What it said from one time to another, in unix seconds. */
  range(expr: string, from: number, to: number, step: number): Promise<Series[]>
  /** What it reads, and how that went. */
  targets(): Promise<readonly { readonly health: string; readonly lastError: string }[]>
  alerts(): Promise<readonly Alert[]>
  close(): Promise<void>
}

/** In one line, why there can be none here. Debian's package `prometheus` has it, and promtool. */
export const prometheusMissing = ['prometheus', 'promtool'].some((name) => spawnSync(name, ['--version']).error)
  ? "Debian's package prometheus is not installed"
  : undefined

export interface PrometheusOptions {
  /** Host and port whose /metrics is read. */
  readonly target: string
  /** Paths of files with rules. */
  readonly rules?: readonly string[]
}

export async function startPrometheus({ target, rules = [] }: PrometheusOptions): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'talon-prometheus-'))
  const port = await freePort()
  // JSON is YAML.
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: rules,
    scrape_configs: [{ job_name: 'talon', static_configs: [{ targets: [target] }] }],
  }
  writeFileSync(join(folder, 'prometheus.yaml'), JSON.stringify(config))
  const args = [
    `--config.file=${join(folder, 'prometheus.yaml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]
  let said = ''
  const child = spawn('prometheus', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)))
  const exited = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const ready = () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await ready())) {
    if (child.exitCode !== null) throw new Error(`Prometheus ended with ${child.exitCode}:\n${said}`)
    await sleep(50)
  }

  async function ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)
    const body = (await answer.json()) as { status: string; error?: string; data: T }
    if (body.status !== 'success') throw new Error(`Prometheus answers ${answer.status}: ${body.error}`)
    return body.data
  }
  type Sample = readonly [number, string]
  interface Result {
    readonly result: readonly { metric: Series['metric']; value?: Sample; values?: readonly Sample[] }[]
  }
  const seriesOf = ({ result }: Result): Series[] =>
    result.map(({ metric, value, values = value ? [value] : [] }) => ({
      metric,
      values: values.map(([time, text]) => [time, Number(text)]),
    }))

  return {
    query: async (expr) => seriesOf(await ask<Result>('query', { query: expr })),
    range: async (expr, from, to, step) =>
      seriesOf(
        await ask<Result>('query_range', { query: expr, start: String(from), end: String(to), step: String(step) }),
      ),
    targets: async () =>
      (await ask<{ activeTargets: { health: string; lastError: string }[] }>('targets')).activeTargets,
    alerts: async () => (await ask<{ alerts: Alert[] }>('alerts')).alerts,
    async close() {
      child.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true })
    },
  }
}
