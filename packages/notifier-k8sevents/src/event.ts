import { createHash } from 'node:crypto'
import type { KubernetesObject, Resource } from '@talon/client-kubernetes'
import type { Report } from '@talon/plugin'
import { cut, noteOf } from './note.ts'
import type { Subject } from './subject.ts'

/** The part of an Event of events.k8s.io/v1 that is read. */
export interface Recorded extends KubernetesObject {
  readonly series?: { readonly count: number; readonly lastObservedTime: string }
}

export const events: Resource<Recorded> = { group: 'events.k8s.io', version: 'v1', resource: 'events' }

const CONTROLLER = 'falcosecurity.org/falco-talon'
/** Bytes that the API takes in `reason`, `action` and `reportingInstance`. */
const LIMIT = 128
/** Names the report that was told last: one that is delivered again counts once. */
export const REPORT = 'talon/report'

/** Where a cluster keeps the Events about an object. */
export const namespaceOf = ({ namespace = 'default' }: Subject) => namespace

/** The Event for a report. Repeats have one name, whichever replica tells them, so that they meet in one series. */
export function eventOf(report: Report, subject: Subject, host: string) {
  const { status, stage, target, actionner, rule, action, dryRun, message, error, event } = report
  const reason = cut(`falco-talon:${actionner}:${status}`, LIMIT)
  const same = [subject, reason, stage, target, rule, action, dryRun, message, error, event.rule]
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: {
      name: `falco-talon.${createHash('sha256').update(JSON.stringify(same)).digest('hex').slice(0, 20)}`,
      namespace: namespaceOf(subject),
      labels: { 'app.kubernetes.io/managed-by': 'talon' },
      annotations: { [REPORT]: report.id },
    },
    eventTime: microTime(report.time),
    type: status === 'failure' || status === 'interrupted' ? 'Warning' : 'Normal',
    reason,
    action: cut(actionner, LIMIT),
    regarding: subject,
    note: noteOf(report),
    reportingController: CONTROLLER,
    reportingInstance: cut(`talon-${host}`, LIMIT),
  }
}

/** An Event as it is created. */
export type Told = ReturnType<typeof eventOf>

/** As Kubernetes writes a MicroTime: RFC 3339 with six digits. */
function microTime(time: string): string {
  return new Date(time).toISOString().replace('Z', '000Z')
}
