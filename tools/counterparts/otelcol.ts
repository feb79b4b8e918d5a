import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { binary } from '../cluster/binaries.ts'
import { freePort } from './free-port.ts'

type Values = Readonly<Record<string, unknown>>

/** A span as the collector got it. */
export interface CollectedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  /** Empty where it has none. */
  readonly parentSpanId: string
  readonly attributes: Values
  /** Of whom it is: `service.name` and the like. */
  readonly resource: Values
  /** Of the instrumentation. */
  readonly scope: string
  /** 2: an error. https://opentelemetry.io/docs/specs/otel/trace/api/#set-status */
  readonly status: { readonly code?: number; readonly message?: string }
}

/** A metric as the collector got it, with the attributes of its points. */
export interface CollectedMetric {
  readonly name: string
  readonly points: readonly { readonly attributes: Values; readonly value: number | undefined }[]
  readonly resource: Values
}

/** An OpenTelemetry Collector on loopback, as its own process: OTLP over gRPC in, files out. */
export interface Collector {
  readonly port: number
  /** All spans that came so far. */
  spans(): CollectedSpan[]
  /** The metrics of the last message. */
  metrics(): CollectedMetric[]
  close(): Promise<void>
}

/** Starts one; builds it first where the cache has none. With `tls` it speaks TLS alone. Rejects where Go is missing. */
export async function startCollector(
  options: { readonly port?: number; readonly tls?: { readonly cert: string; readonly key: string } } = {},
): Promise<Collector> {
  const program = await binary('otelcol')
  const { port = await freePort(), tls } = options
  const folder = mkdtempSync(join(tmpdir(), 'talon-otelcol-'))
  const file = (name: string) => join(folder, name)
  const exporter = (name: string) => ({ path: file(name), flush_interval: '50ms' })
  const pipeline = (to: string) => ({ receivers: ['otlp'], exporters: [to] })
  const endpoint = `127.0.0.1:${port}`
  // JSON is YAML.
  const config = {
    receivers: {
      otlp: { protocols: { grpc: { endpoint, ...(tls && { tls: { cert_file: tls.cert, key_file: tls.key } }) } } },
    },
    exporters: { 'file/traces': exporter('traces'), 'file/metrics': exporter('metrics') },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: pipeline('file/traces'), metrics: pipeline('file/metrics') },
    },
  }
  writeFileSync(file('config.yaml'), JSON.stringify(config))
  let said = ''
  const child = spawn(program, ['--config', file('config.yaml')], { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)))
  const exited = once(child, 'exit')
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`the collector ended with ${child.exitCode}:\n${said}`)
    await sleep(20)
  }
  /** Whole lines: the last may still be on its way. */
  const messages = <T>(name: string) =>
    existsSync(file(name))
      ? readFileSync(file(name), 'utf8')
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as T)
      : []
  return {
    port,
    spans: () => messages<Traces>('traces').flatMap(spansOf),
    metrics: () => messages<Metrics>('metrics').slice(-1).flatMap(metricsOf),
    async close() {
      child.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true })
    },
  }
}

/** OTLP as JSON. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}
interface Resource {
  readonly resource: { readonly attributes: readonly Attribute[] }
}
interface Traces {
  readonly resourceSpans: readonly (Resource & {
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string }
      readonly spans: readonly (Omit<CollectedSpan, 'attributes'> & { readonly attributes?: readonly Attribute[] })[]
    }[]
  })[]
}
interface Point {
  readonly attributes?: readonly Attribute[]
  readonly asDouble?: number
  readonly asInt?: string
  readonly count?: string
}
interface Metrics {
  readonly resourceMetrics: readonly (Resource & {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly (Readonly<Record<string, { readonly dataPoints: readonly Point[] }>> & {
        readonly name: string
      })[]
    }[]
  })[]
}

function spansOf({ resourceSpans }: Traces): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        ...span,
        parentSpanId: span.parentSpanId ?? '',
        attributes: valuesOf(span.attributes ?? []),
        resource: valuesOf(resource.attributes),
        scope: scope.name,
      })),
    ),
  )
}

function metricsOf({ resourceMetrics }: Metrics): CollectedMetric[] {
  return resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.map(({ name, sum, gauge, histogram }) => ({
        name,
        resource: valuesOf(resource.attributes),
        points: ((sum ?? gauge ?? histogram)?.dataPoints ?? []).map(({ attributes = [], asDouble, asInt, count }) => ({
          attributes: valuesOf(attributes),
          value: (asDouble ?? (asInt ?? count) === undefined) ? asDouble : Number(asInt ?? count),
        })),
      })),
    ),
  )
}

const valuesOf = (attributes: readonly Attribute[]): Values =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** Whether somebody listens there. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
