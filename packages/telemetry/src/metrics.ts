import type { Attributes } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, type IMetricReader } from '@opentelemetry/sdk-metrics'
import type { Observer, Outcome, Stage, StageName } from '@talon/core'
import { withAliases } from './aliases.ts'
import { boundSeries } from './series.ts'
import { labelsOf } from './stage-labels.ts'

/** The scope of Falco Talon's metrics: dashboards select by it. */
const SCOPE = 'github.com/Falco-Talon/falco-talon'

/** Series of one metric; beyond, an event's own labels say `other`, which adds one series a rule, action and status. */
const MAX_SERIES = 2000
/** The SDK's own limit is out of the way: it would drop the labels that the rules choose, too. */
const NO_LIMIT = 1_000_000

/** Seconds: a reaction is to take milliseconds, an action may take half a minute. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export interface MetricsOptions {
  /** Version of Talon. */
  readonly version?: string
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
  /** Counts a reload of the rules. */
  readonly reloaded: (result: 'success' | 'failure') => void
  /** Adds values that are read when the page is asked for. */
  readonly gauges: (gauges: Gauges) => void
  /** The page, in the text format of Prometheus: `contentType`. */
  readonly page: () => Promise<string>
  readonly contentType: string
}

/** Makes the metrics of an engine. Without `readers` nothing leaves the process but what `page` gives. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const { version, maxSeries = MAX_SERIES, aliases = true, readers = [] } = options
  const { now = () => performance.timeOrigin + performance.now() } = options
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const serializer = new PrometheusSerializer()
  const provider = new MeterProvider({
    resource: resourceFromAttributes({
      'service.name': 'falco-talon',
      ...(version !== undefined && { 'service.version': version }),
    }),
    readers: [exporter, ...readers],
    views: [{ instrumentName: '*', aggregationCardinalityLimit: NO_LIMIT }],
  })
  const meter = provider.getMeter(SCOPE, version)

  const counter = (name: string, description: string) => meter.createCounter(name, { description })
  const overflow = counter('series_overflow', 'Measurements whose event, pod and namespace were left out')
  const stageCounter = (name: StageName, description: string) => {
    const counted = counter(name, description)
    const bound = boundSeries(maxSeries, () => overflow.add(1, { metric: `${name}_total` }))
    return (stage: Stage, outcome?: Outcome) => counted.add(1, bound(labelsOf(stage, outcome)))
  }
  const count: Readonly<Record<StageName, (stage: Stage, outcome?: Outcome) => void>> = {
    event: stageCounter('event', 'Events that were taken'),
    match: stageCounter('match', 'Rules that matched an event'),
    context: stageCounter('context', 'Contexts by what came of reading them'),
    action: stageCounter('action', 'Actions by what came of them'),
    output: stageCounter('output', 'Artifacts by what came of storing them'),
    notification: stageCounter('notification', 'Notifications by what came of them'),
  }
  const refusals = counter('refused_request', 'Requests that were turned away')
  const reloads = counter('rules_reload', 'Reloads of the rules')

  const advice = { explicitBucketBoundaries: BUCKETS }
  const seconds = (name: string, description: string) => {
    const histogram = meter.createHistogram(name, { description, unit: 's', advice })
    return (milliseconds: number, labels: Attributes = {}) => histogram.record(milliseconds / 1000, labels)
  }
  const reaction = seconds('reaction_seconds', "From an event's receipt to the end of its first action")
  const acting = seconds('action_duration_seconds', 'How long actions take')
  const storing = seconds('output_duration_seconds', 'How long storing artifacts takes')
  const reacted = new WeakSet<object>()

  function time({ name, event, dryRun, actionner = '', target = '' }: Stage, began: number, outcome: Outcome): void {
    const ended = now()
    const { status } = outcome
    if (name === 'output') storing(ended - began, { target, status })
    if (name !== 'action') return
    acting(ended - began, { actionner, status })
    if (dryRun || reacted.has(event)) return
    reacted.add(event)
    reaction(Math.max(0, ended - event.received))
  }

  return {
    async observer(stage, next) {
      if (stage.name === 'event') {
        count.event(stage)
        return next()
      }
      const began = now()
      const outcome = await next()
      count[stage.name](stage, outcome)
      time(stage, began, outcome)
      return outcome
    },
    refused: (reason) => refusals.add(1, { reason }),
    reloaded: (result) => reloads.add(1, { result }),
    gauges(gauges) {
      for (const [name, { description, read }] of Object.entries(gauges))
        meter.createObservableGauge(name, { description }).addCallback((result) => {
          const value = read()
          if (value !== undefined) result.observe(value)
        })
    },
    async page() {
      const { resourceMetrics, errors } = await exporter.collect()
      if (errors.length) throw new Error(`the metrics cannot be collected: ${errors.map(String).join(', ')}`)
      return serializer.serialize(aliases ? withAliases(resourceMetrics) : resourceMetrics)
    },
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
  }
}
