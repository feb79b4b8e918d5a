import type { Report } from '@talon/plugin'
import { z } from 'zod'

/** Statuses of a report that is told. */
const statuses = ['success', 'failure', 'ignored', 'interrupted', 'in_progress'] as const
const text = z.string()
const texts = z.record(text, text)

/**
 * The body of a webhook, one report each. What Falco Talon sends keeps its name and meaning; the rest is Talon's own.
 * Its JSON Schema is `z.toJSONSchema(webhookBody)`. Later versions may add fields.
 */
export const webhookBody = z.object({
  id: text.describe('Unique, and the same each time that the delivery is tried: tells a repeat'),
  time: text.describe('When the step ended: RFC 3339'),
  message: z.enum(['action', 'output']).describe('What is reported: an action, or the storing of its artifact'),
  status: z.enum(statuses).describe('How it ended'),
  summary: text.describe('One sentence for people'),
  output: text.describe('The result, where it is text (what a command printed), else the summary'),
  error: text.optional().describe('Why it failed'),
  rule: text.describe("Talon's rule"),
  action: text.describe('Name of the action'),
  actionner: text.describe('Name of its actionner: kubernetes:terminate'),
  output_target: text.optional().describe('Where the artifact was to be stored: aws:s3'),
  dry_run: z.boolean().describe('True: this would have been done, and nothing was changed'),
  duration_ms: z.number().describe('Milliseconds that the step took'),
  objects: texts.describe('What was acted on: { "pod": "web-0", "namespace": "default" }'),
  event: text.describe("Falco's message; its rule where Falco leaves the message out"),
  priority: text.describe("Falco's priority"),
  source: text.describe("Falco's source: syscall, k8s_audit, a plugin's"),
  trace_id: text.describe('W3C trace id of the event'),
  falco: z
    .object({
      id: text.describe("Talon's id of this receipt of the event"),
      rule: text.describe('Name of the Falco rule'),
      output: text.describe('The message, without the leading time and priority'),
      time: text.describe('When it happened, as Falco wrote it'),
      hostname: text.describe('Host that Falco runs on'),
      tags: z.array(text).describe('Tags of the Falco rule'),
      output_fields: texts.describe('The output fields, each as its text'),
    })
    .describe('The event. All of it may have been chosen by an attacker'),
})
/** The same as a type. */
export type WebhookBody = z.output<typeof webhookBody>

/** What a webhook is told of a report. */
export function bodyOf(report: Report): WebhookBody {
  const { event, error, target } = report
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
    objects: { ...report.objects },
    event: event.output || event.rule,
    priority: event.priority,
    source: event.source,
    trace_id: report.traceId,
    falco: {
      id: event.id,
      rule: event.rule,
      output: event.output,
      time: event.time,
      hostname: event.hostname,
      tags: [...event.tags],
      output_fields: { ...event.fields },
    },
  }
}
