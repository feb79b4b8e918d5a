import type { Report } from '@talon/plugin'

/**
 * The document of a report, with the names of Falco Talon where it has them.
 *
 * Names of fields are fixed: what an event chooses is a value, never a name, so no event adds fields to an index or
 * claims a field for another type. That is why the output fields are a list of texts.
 */
export function documentOf(report: Report) {
  const { event, error, target } = report
  const at = dateOf(event.time)
  return {
    id: report.id,
    time: report.time,
    message: report.stage,
    status: report.status,
    summary: report.message,
    output: report.output ?? report.message,
    ...(error !== undefined && { error }),
    rule: report.rule,
    action: report.action,
    actionner: report.actionner,
    ...(target !== undefined && { output_target: target }),
    dry_run: report.dryRun,
    duration_ms: report.duration,
    objects: report.objects,
    event: event.output || event.rule,
    priority: event.priority,
    source: event.source,
    trace_id: report.traceId,
    falco: {
      id: event.id,
      rule: event.rule,
      ...(at && { time: at }),
      hostname: event.hostname,
      tags: event.tags,
      output_fields: Object.entries(event.fields).map(([name, value]) => `${name}=${value}`),
    },
  }
}

const NANOSECONDS = /^\d{19}$/

/** RFC 3339 to the millisecond, as every server takes a date; undefined where Falco's time is none. */
function dateOf(time: string): string | undefined {
  const date = new Date(NANOSECONDS.test(time) ? Number(BigInt(time) / 1_000_000n) : time)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
