import type { Report } from '@talon/plugin'

/** The labels of a report's stream. */
export type Labels = Readonly<Record<string, string>>

/**
 * Labels with the names and spellings of Falco Talon, as far as their values are few: the rules files choose all but
 * the namespace, which is bounded. What an event chooses freely (pods, addresses, the trace) is in the line.
 */
export function labelsOf(report: Report, namespace: string | undefined): Labels {
  return {
    rule: spelled(report.rule),
    action: spelled(report.action),
    actionner: report.actionner,
    message: report.stage,
    status: report.status,
    ...(report.target !== undefined && { target: report.target }),
    ...(namespace !== undefined && { namespace }),
  }
}

/** As Falco Talon spells the names of rules and actions in labels. */
const spelled = (name: string) => name.toLowerCase().replaceAll(' ', '_')
