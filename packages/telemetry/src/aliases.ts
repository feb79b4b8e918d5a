import type { ResourceMetrics } from '@opentelemetry/sdk-metrics'

/**
 * Falco Talon changed the names of its counters between releases; its documentation has the short ones, which are
 * Talon's. These are those of the last release (internal/otlp/metrics/metrics.go of falcosecurity/falco-talon).
 */
const ALIASES: Readonly<Record<string, string>> = {
  event: 'falcosecurity_falco_talon_events',
  match: 'falcosecurity_falco_talon_matches',
  action: 'falcosecurity_falco_talon_actions',
  output: 'falcosecurity_falco_talon_outputs',
  notification: 'falcosecurity_falco_talon_notifications',
}

/** The same metrics, with copies under the other names, so that dashboards for either go on. Nothing is counted twice. */
export function withAliases(metrics: ResourceMetrics): ResourceMetrics {
  const scopeMetrics = metrics.scopeMetrics.map((scope) => {
    const copies = scope.metrics.flatMap((metric) => {
      const name = ALIASES[metric.descriptor.name]
      return name ? [{ ...metric, descriptor: { ...metric.descriptor, name } }] : []
    })
    return { ...scope, metrics: [...scope.metrics, ...copies] }
  })
  return { ...metrics, scopeMetrics }
}
