import { setTimeout as sleep } from 'node:timers/promises'
import type { Observer } from '@talon/core'
import type { Logger } from '@talon/plugin'
import { watchExports } from './exports.ts'
import { createMask } from './line.ts'
import { logObserver } from './log-observer.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import type { OtlpSettings } from './otlp.ts'
import { resourceOf } from './resource.ts'

/** Milliseconds that the end of telemetry may take: whoever ends the process does not wait for a lost collector. */
const LAST_WORDS = 5_000

export interface TelemetryOptions {
  readonly otel: OtlpSettings
  /** Whether events that match no rule are logged too. */
  readonly printAllEvents: boolean
  readonly log: Logger
  /** Values that no span may show. */
  readonly secrets?: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Version of Talon. */
  readonly version?: string
}

/** All that tells of an engine. */
export interface Telemetry {
  /** For the engine, the outermost first. */
  readonly observers: readonly Observer[]
  readonly metrics: Metrics
  /** Hands over what waits, within five seconds, and ends. */
  readonly close: () => Promise<void>
}

/** Puts log, metrics and traces together. What exports by OTLP is loaded only where the settings ask for it. */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { otel, printAllEvents, log, secrets = [], env, version } = options
  const exports = watchExports({ log, now: () => performance.now() })
  const otlp = otel.metrics_enabled || otel.traces_enabled ? await import('./otlp.ts') : undefined
  const reader = otlp && otel.metrics_enabled ? await otlp.openMetricReader(otel, exports) : undefined
  const of = { resource: resourceOf(version), ...(version !== undefined && { version }) }
  const metrics = createMetrics({ ...of, readers: reader ? [reader] : [] })
  if (otlp) exports.countIn(metrics.meter)
  const traces = otlp && otel.traces_enabled ? await openTraces() : undefined

  async function openTraces() {
    const [{ createTraces }, { samplerOf }] = await Promise.all([import('./trace.ts'), import('./sampler.ts')])
    const processor = await otlp!.openSpanProcessor(otel, exports)
    return createTraces({ ...of, processors: [processor], sampler: samplerOf(env, log), mask: createMask(secrets) })
  }

  return {
    observers: [...(traces ? [traces.observer] : []), metrics.observer, logObserver(log, { printAllEvents })],
    metrics,
    async close() {
      const over = new AbortController()
      const closed = Promise.allSettled([traces?.close(), metrics.close()])
      await Promise.race([closed, sleep(LAST_WORDS, undefined, { signal: over.signal }).catch(() => {})])
      over.abort()
    },
  }
}
