import type { Meter } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import type { Resource } from '@opentelemetry/resources'
import { MeterProvider, type IMetricReader } from '@opentelemetry/sdk-metrics'
import type { Observer } from '@talon/core'
import { withAliases } from './aliases.ts'
import { stageCounters } from './counters.ts'
import { resourceOf } from './resource.ts'
import { SCOPE } from './scope.ts'
import { stageTimes } from './times.ts'

/** Series of one metric; beyond, an event's own labels say `other`, which adds one series a rule, action and status. */
const MAX_SERIES = 2000
/** The SDK's own limit is out of the way: it would drop the labels that the rules choose, too. */
const NO_LIMIT = 1_000_000

export interface MetricsOptions {
  /** Version of Talon. */
  readonly version?: string
  /** Whom the metrics are about; Talon of this version where missing. */
  readonly resource?: Resource
  /** Series of one metric; 2000 where missing. */
  readonly maxSeries?: number
  /** Whether the page gives the counters under the names of Falco Talon's last release too; true where missing. */
  readonly aliases?: boolean
  /** More readers, such as one that exports by OTLP. */
  readonly readers?: readonly IMetricReader[]
  /** Epoch milliseconds with fractions, never set back: the clock that events are received by. */
  readonly now?: () => number
}

/** What is read when the page is asked for. `undefined`: nothing is known yet; a value that was known stays. */
export interface Gauges {
  readonly [name: string]: { readonly description: string; readonly read: () => number | undefined }
}

/** Metrics of one engine. */
export interface Metrics {
  /** Counts and times every stage: an event as it comes, the others when they are over. */
  readonly observer: Observer
  /** Counts a request that was turned away. The reasons are few: they are a label. */
  readonly refused: (reason: string) => void
  /** Counts a reload of the rules, and notes what came of the last and when. */
  readonly reloaded: (result: 'success' | 'failure') => void
  /** Adds values that are read when the page is asked for. */
  readonly gauges: (gauges: Gauges) => void
  /** Where other parts of telemetry make their instruments. */
  readonly meter: Meter
  /** The page, in the text format of Prometheus: `contentType`. */
  readonly page: () => Promise<string>
  readonly contentType: string
  /** Hands the last values to the readers and ends them. */
  readonly close: () => Promise<void>
}

/** Makes the metrics of an engine. Without `readers` nothing leaves the process but what `page` gives. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const { version, maxSeries = MAX_SERIES, aliases = true, readers = [] } = options
  const { now = () => performance.timeOrigin + performance.now() } = options
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const serializer = new PrometheusSerializer()
  const provider = new MeterProvider({
    resource: options.resource ?? resourceOf(version),
    readers: [exporter, ...readers],
    views: [{ instrumentName: '*', aggregationCardinalityLimit: NO_LIMIT }],
  })
  const meter = provider.getMeter(SCOPE, version)
  const count = stageCounters(meter, maxSeries)
  const time = stageTimes(meter)
  const refusals = meter.createCounter('refused_request', { description: 'Requests that were turned away' })
  const reloads = meter.createCounter('rules_reload', { description: 'Reloads of the rules' })
  /** The rules that the engine started with were loaded, too. */
  let last: { readonly result: 'success' | 'failure'; readonly at: number } = { result: 'success', at: now() }

  function gauges(gauges: Gauges): void {
    for (const [name, { description, read }] of Object.entries(gauges))
      meter.createObservableGauge(name, { description }).addCallback((result) => {
        const value = read()
        if (value !== undefined) result.observe(value)
      })
  }
  gauges({
    rules_last_reload_successful: {
      description: 'Whether the last load of the rules was taken: 1, or 0 where the old ones stayed',
      read: () => (last.result === 'success' ? 1 : 0),
    },
    rules_last_reload_timestamp_seconds: {
      description: 'When rules were loaded last, whatever came of it, in unix seconds',
      read: () => last.at / 1000,
    },
  })

  return {
    async observer(stage, next) {
      if (stage.name === 'event') {
        count(stage)
        return next()
      }
      const began = now()
      const outcome = await next()
      count(stage, outcome)
      time(stage, outcome, { began, ended: now() })
      return outcome
    },
    refused: (reason) => refusals.add(1, { reason }),
    reloaded(result) {
      reloads.add(1, { result })
      last = { result, at: now() }
    },
    gauges,
    meter,
    async page() {
      const { resourceMetrics, errors } = await exporter.collect()
      if (errors.length) throw new Error(`the metrics cannot be collected: ${errors.map(String).join(', ')}`)
      return serializer.serialize(aliases ? withAliases(resourceMetrics) : resourceMetrics)
    },
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    close: () => provider.shutdown(),
  }
}
