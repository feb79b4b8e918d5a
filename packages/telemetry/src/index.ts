export { createLogger, type Log, type LoggerOptions } from './log.ts'
export { logObserver, type LogObserverOptions } from './log-observer.ts'
export { createMetrics, type Gauges, type Metrics, type MetricsOptions } from './metrics.ts'
export { openTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.ts'
