import type { IMetricReader } from '@opentelemetry/sdk-metrics'
import type { SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Config } from '@talon/core'
import type { Exports } from './exports.ts'

export type OtlpSettings = Config['otel']

/** Spans that wait for the collector at most, and that are handed over at once. What does not fit is lost. */
const SPANS = { waiting: 16_384, batch: 512 }
/** Data points of one message: far below the four megabytes that gRPC takes. */
const POINTS = 2_000
/** Milliseconds between two hand-overs of metrics: a minute is the SDK's own, too coarse to watch reactions with. */
const EVERY = 15_000

/** Hands metrics to the collector, as long as it is not shut down. */
export async function openMetricReader(settings: OtlpSettings, exports: Exports): Promise<IMetricReader> {
  const [{ OTLPMetricExporter }, { PeriodicExportingMetricReader }] = await Promise.all([
    import('@opentelemetry/exporter-metrics-otlp-grpc'),
    import('@opentelemetry/sdk-metrics'),
  ])
  const { url, timeoutMillis } = connectionOf(settings)
  return new PeriodicExportingMetricReader({
    exporter: exports.watch('metrics', new OTLPMetricExporter({ url, timeoutMillis })),
    exportIntervalMillis: Math.max(EVERY, timeoutMillis),
    exportTimeoutMillis: timeoutMillis,
    maxExportBatchSize: POINTS,
  })
}

/** Hands spans to the collector, as long as it is not shut down. */
export async function openSpanProcessor(settings: OtlpSettings, exports: Exports): Promise<SpanProcessor> {
  const [{ OTLPTraceExporter }, { BatchSpanProcessor }] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-grpc'),
    import('@opentelemetry/sdk-trace'),
  ])
  const { url, timeoutMillis } = connectionOf(settings)
  return new BatchSpanProcessor({
    exporter: exports.watch('traces', new OTLPTraceExporter({ url, timeoutMillis })),
    maxQueueSize: SPANS.waiting,
    maxExportBatchSize: SPANS.batch,
    exportTimeoutMillis: timeoutMillis,
  })
}

/** With TLS, the certificate is checked by the system's roots, or by `OTEL_EXPORTER_OTLP_CERTIFICATE`. */
function connectionOf(settings: OtlpSettings): { url: string; timeoutMillis: number } {
  const { collector_endpoint: written, collector_port: port, collector_use_insecure_grpc: insecure } = settings
  const host = written.replace(/^https?:\/\//, '').replace(/\/+$/, '')
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return { url: `${insecure ? 'http' : 'https'}://${bracketed}:${port}`, timeoutMillis: settings.timeout * 1000 }
}
