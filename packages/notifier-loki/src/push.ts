import type { Report } from '@talon/plugin'
import { labelsOf, type Labels } from './labels.ts'
import { lineOf } from './line.ts'
import type { Namespaces } from './namespaces.ts'

/** Epoch nanoseconds as text, and the line. */
type Entry = readonly [time: string, line: string]

/**
 * Bytes of the lines of one push. Where a tenant's burst (6 MB where nothing is said, `ingestion_burst_size_mb`) is
 * smaller than a push, Loki refuses that push however often it is tried.
 */
const PUSH = 2_000_000

/**
 * The bodies of the pushes that tell reports: one as a rule, more where they are large.
 * https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs
 *
 * A report has the same labels, time and line each time that it is sent, so Loki keeps it once.
 */
export function pushesOf(reports: readonly Report[], namespaces: Namespaces): string[] {
  const pushes: Map<string, { stream: Labels; values: Entry[] }>[] = []
  let size = Infinity
  for (const report of reports.toSorted(byTime)) {
    const line = lineOf(report)
    size += Buffer.byteLength(line)
    if (size > PUSH) {
      pushes.push(new Map())
      size = Buffer.byteLength(line)
    }
    const stream = labelsOf(report, namespaces.of(report))
    const key = JSON.stringify(stream)
    const streams = pushes.at(-1)!
    const { values = [] } = streams.get(key) ?? {}
    values.push([`${Date.parse(report.time)}000000`, line])
    streams.set(key, { stream, values })
  }
  return pushes.map((streams) => JSON.stringify({ streams: [...streams.values()] }))
}

/** The oldest first: some servers take no entry of a stream that is older than its last. */
const byTime = (one: Report, other: Report) => Date.parse(one.time) - Date.parse(other.time)
