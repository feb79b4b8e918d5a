import type { Config, Journal, Talon } from '@talon/core'
import type { Metrics } from '@talon/telemetry'
import type { Replica } from '@talon/replicas'

export interface Watched {
  readonly talon: Pick<Talon, 'stats' | 'ruleset'>
  readonly journal: Pick<Journal, 'stats'>
  readonly replica?: Pick<Replica, 'hands'>
  readonly config: Config
}

/** What is read when the metrics are asked for. */
export function addGauges(metrics: Pick<Metrics, 'gauges'>, { talon, journal, replica, config }: Watched): void {
  const stats = (name: keyof ReturnType<Talon['stats']>) => () => talon.stats()[name]
  const seconds = (at: number | undefined) => (at === undefined ? 0 : Math.max(0, (Date.now() - at) / 1000))
  metrics.gauges({
    unfinished_events: { description: 'Events whose last step is not over', read: stats('events') },
    unfinished_events_limit: {
      description: 'Unfinished events from which on more are refused',
      read: () => config.journal.max_events,
    },
    oldest_event_seconds: {
      description: 'Age of the oldest event that is not finished',
      read: () => seconds(journal.stats().oldest),
    },
    failed_events: { description: 'Events that failed for good and are kept', read: () => journal.stats().failed },
    journal_bytes: { description: 'Bytes of the journal on disk', read: () => journal.stats().bytes },
    waiting_steps: { description: 'Steps that wait for a place', read: stats('steps') },
    waiting_reports: { description: 'Reports that wait for their notifier', read: stats('reports') },
    spooled_bytes: { description: 'Bytes of artifacts on their way', read: stats('spooled') },
    authentication: {
      description: 'Whether clients have to prove who they are: 1 or 0',
      read: () => Number(config.auth.clients.length > 0),
    },
    rules: { description: 'Rules that are loaded', read: () => talon.ruleset.rules.length },
    ...(replica && {
      leader: { description: 'Whether this server leads: 1 or 0', read: () => Number(replica.hands().leading) },
      handed_events: {
        description: 'Events of this server that the leader works on',
        read: () => replica.hands().handed,
      },
      pending_events: {
        description: 'Events of this server that wait for a leader',
        read: () => replica.hands().pending,
      },
    }),
  })
}
