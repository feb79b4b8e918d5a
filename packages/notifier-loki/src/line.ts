import type { Report } from '@talon/plugin'

/** Bytes of a line. Loki refuses lines over 256 KB (`max_line_size`). */
const LINE = 200_000
/** Characters of each text where the line would be longer. */
const TEXT = 8000

/** The line of a report: one JSON object on one line, with everything that no label says. */
export function lineOf(report: Report): string {
  const line = JSON.stringify(contentOf(report))
  if (Buffer.byteLength(line) <= LINE) return line
  const { falco, ...rest } = contentOf(report)
  const { output_fields: _, ...event } = falco
  const cut = (_: string, value: unknown) => (typeof value === 'string' ? value.slice(0, TEXT) : value)
  return JSON.stringify({ ...rest, falco: { ...event, tags: [] }, cut: true }, cut)
}

function contentOf(report: Report) {
  const { event, error, output } = report
  return {
    summary: report.message,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    // No name of a label: Loki's `| json` would call these rule_extracted and action_extracted.
    rule_name: report.rule,
    action_name: report.action,
    trace_id: report.traceId,
    id: report.id,
    dry_run: report.dryRun,
    duration_ms: report.duration,
    objects: report.objects,
    event: event.output || event.rule,
    priority: event.priority,
    source: event.source,
    falco: {
      id: event.id,
      rule: event.rule,
      time: event.time,
      hostname: event.hostname,
      tags: event.tags,
      output_fields: event.fields,
    },
  }
}
