import { failureOf, type Outcome } from '@talon/core'
import type { Notifier, Opened, Report, Uses } from '@talon/plugin'
import type { z } from 'zod'
import { falcoEvent } from './events.ts'
import { jobOf, type JobOptions } from './job.ts'

/** A report of a test. What it does not say is that of a pod that was labelled because of `falcoEvent()`. */
export function report(parts: Partial<Report> = {}): Report {
  const { id, rule, priority, source, output, time, hostname, tags, fields, traceId } = falcoEvent()
  return {
    id: 'report-1',
    stage: 'action',
    status: 'success',
    message: 'the pod default/web-0 was labelled',
    rule: 'Suspicious shell',
    action: 'Label the pod',
    actionner: 'kubernetes:label',
    dryRun: false,
    objects: { pod: 'web-0', namespace: 'default' },
    time,
    duration: 12.5,
    event: { id, rule, priority, source, output, time, hostname, tags, fields },
    traceId,
    ...parts,
  }
}

/** How a notifier is run in a test. */
export interface NotifierOptions<U> extends JobOptions {
  /** What `uses` names, opened: an own client, or a fake. */
  readonly clients: U
  /** At most `batch` of them; `report()` where missing. */
  readonly reports?: readonly [Report, ...Report[]]
}

/** Tells a notifier reports as the engine does: its settings checked, what is thrown as a failure. */
export async function runNotifier<P extends z.ZodObject, U extends Uses>(
  notifier: Notifier<P, U>,
  settings: z.input<P>,
  options: NotifierOptions<Opened<U>>,
): Promise<Outcome> {
  const { clients, reports = [report()] } = options
  try {
    if (reports.length > notifier.batch)
      throw new Error(`${notifier.name} takes ${notifier.batch} reports at once, the test gives ${reports.length}`)
    const parameters = notifier.parameters.parse(settings)
    return await notifier.run({ ...jobOf(options), reports, parameters }, clients)
  } catch (error) {
    return failureOf(error)
  }
}
