import type { Attributes, Counter } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { Observer, Outcome, Stage } from '@talon/core'

/** The scope of Falco Talon's metrics: dashboards select by it. */
const SCOPE = 'github.com/Falco-Talon/falco-talon'

/** Series of one metric at most; what is beyond is counted under `otel_metric_overflow="true"`. */
const MAX_SERIES = 2_000
/** Characters of a label's value at most: names in an event may have any length. */
const MAX_LABEL = 128

/** Seconds: a reaction is to take milliseconds, an action may take half a minute. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** What is read when the page is asked for. */
export interface Gauges {
  readonly [name: string]: { readonly description: string; readonly read: () => number | undefined }
}

/** Metrics of one engine. */
export interface Metrics {
  /** Counts and times every stage. */
  readonly observer: Observer
  /** Counts a request that was turned away. */
  readonly refused: (reason: string) => void
  /** Counts a reload of the rules. */
  readonly reloaded: (result: 'success' | 'failure') => void
  /** Adds values that are read when the page is asked for. */
  readonly gauges: (gauges: Gauges) => void
  /** The page, in the text format of Prometheus. */
  readonly page: () => Promise<string>
}

/** Makes the metrics of an engine. Nothing is exported but what `page` gives. */
export function createMetrics(): Metrics {
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const serializer = new PrometheusSerializer()
  const provider = new MeterProvider({
    readers: [exporter],
    views: [{ instrumentName: '*', aggregationCardinalityLimit: MAX_SERIES }],
  })
  const meter = provider.getMeter(SCOPE)
  const counter = (name: string, description: string) => meter.createCounter(name, { description })
  const counters: Record<Stage['name'], Counter> = {
    event: counter('event', 'Events that were taken'),
    match: counter('match', 'Rules that matched an event'),
    context: counter('context', 'Contexts that were read'),
    action: counter('action', 'Actions by what came of them'),
    output: counter('output', 'Artifacts by what came of storing them'),
    notification: counter('notification', 'Notifications by what came of them'),
  }
  const refusals = counter('refused_request', 'Requests that were turned away')
  const reloads = counter('rules_reload', 'Reloads of the rules')
  const histogram = (name: string, description: string) =>
    meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries: BUCKETS } })
  const reaction = histogram('reaction_seconds', "From an event's receipt to the end of its first action")
  const durations = histogram('action_duration_seconds', 'How long an action takes')
  const storing = histogram('output_duration_seconds', 'How long storing an artifact takes')
  const reacted = new WeakSet<object>()
  const now = () => performance.timeOrigin + performance.now()

  function time(stage: Stage, began: number, outcome: Outcome): void {
    const seconds = (now() - began) / 1000
    const { actionner = '', target = '' } = stage
    if (stage.name === 'output') storing.record(seconds, { target, status: outcome.status })
    if (stage.name !== 'action') return
    durations.record(seconds, { actionner, status: outcome.status })
    if (reacted.has(stage.event)) return
    reacted.add(stage.event)
    reaction.record((now() - stage.event.received) / 1000, {})
  }

  return {
    async observer(stage, next) {
      const began = now()
      const outcome = await next()
      counters[stage.name].add(1, labelsOf(stage, outcome))
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
      return serializer.serialize(resourceMetrics)
    },
  }
}

/** The labels of Falco Talon's counters; `event` is the Falco rule's name, never its message. */
function labelsOf(stage: Stage, { status }: Outcome): Attributes {
  const {
    name,
    event,
    rule = '',
    action = '',
    actionner = '',
    target = '',
    notifier = '',
    context = '',
    dryRun,
  } = stage
  const { priority, source } = event
  const dry: Attributes = dryRun ? { dry_run: 'true' } : {}
  const about = { event: cut(event.rule) }
  const acted = { ...about, ...where(stage), rule, action, actionner, status, ...dry }
  const labels: Record<Stage['name'], Attributes> = {
    event: { ...about, priority, source: cut(source) },
    match: { ...about, priority, source: cut(source), rule, ...dry },
    context: { context, status, ...dry },
    action: acted,
    output: { ...acted, target },
    notification: { ...acted, notifier },
  }
  return labels[name]
}

function where({ event: { fields } }: Stage): Attributes {
  const namespace = fields['k8s.ns.name'] ?? fields['ka.target.namespace'] ?? ''
  const audited = fields['ka.target.resource'] === 'pods' ? fields['ka.target.name'] : undefined
  return {
    namespace: cut(namespace),
    pod: cut(fields['k8s.pod.name'] ?? fields['ka.target.pod.name'] ?? audited ?? ''),
  }
}

const cut = (text: string) => (text.length > MAX_LABEL ? text.slice(0, MAX_LABEL) : text)
