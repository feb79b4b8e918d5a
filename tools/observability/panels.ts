/** One line, or one number, of a panel. */
export interface Query {
  /** PromQL; `$__rate_interval` is a step of the graph, or four scrapes where that is more. */
  readonly expr: string
  /** `{{status}}` stands for a label. */
  readonly legend: string
}

export interface Panel {
  readonly title: string
  /** What it tells, and what to do where it looks bad. */
  readonly description: string
  readonly kind: 'number' | 'graph'
  /** Grafana's names. https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/#unit */
  readonly unit: 'short' | 's' | 'bytes' | 'ops' | 'bool_yes_no' | 'percentunit'
  readonly queries: readonly Query[]
  /** From here on it is red; `below` where less is worse. */
  readonly alarm?: { readonly at: number; readonly below?: true }
}

export interface Section {
  readonly title: string
  readonly panels: readonly Panel[]
}

/** Names such as `event_total` may be others' too: the scope says that they are Talon's. */
const SCOPE = 'otel_scope_name="github.com/Falco-Talon/falco-talon"'
const own = (name: string, ...labels: string[]) => `${name}{${[SCOPE, ...labels].join(',')}}`
const RATE = '[$__rate_interval]'
const perSecond = (by: string, name: string, ...labels: string[]) =>
  `sum by (${by}) (rate(${own(name, ...labels)}${RATE}))`
const quantile = (share: number, name: string, by = '') =>
  `histogram_quantile(${share}, sum by (${by ? `${by}, ` : ''}le) (rate(${own(`${name}_bucket`)}${RATE})))`
const quantiles = (name: string) =>
  [0.5, 0.95, 0.99].map((share) => ({ expr: quantile(share, name), legend: `p${share * 100}` }))
const FAILED = 'status=~"failure|interrupted"'

/** What the dashboard shows, from the first look to the last. */
export const sections: readonly Section[] = [
  {
    title: 'At a glance',
    panels: [
      {
        title: 'Rules loaded',
        description: 'Fewest rules of any server: they load the same files.',
        ...{ kind: 'number', unit: 'short', alarm: { at: 1, below: true } },
        queries: [{ expr: `min(${own('rules')})`, legend: 'rules' }],
      },
      {
        title: 'Last load of the rules was taken',
        description: 'No: a rules file has an error, and the rules from before are still in force. The log names it.',
        ...{ kind: 'number', unit: 'bool_yes_no', alarm: { at: 1, below: true } },
        queries: [{ expr: `min(${own('rules_last_reload_successful')})`, legend: 'taken' }],
      },
      {
        title: 'Since the last load of the rules',
        description: 'Whatever came of it.',
        ...{ kind: 'number', unit: 's' },
        queries: [{ expr: `time() - max(${own('rules_last_reload_timestamp_seconds')})`, legend: 'ago' }],
      },
      {
        title: 'Reaction, p95',
        description: "From an event's receipt to the end of its first action.",
        ...{ kind: 'number', unit: 's', alarm: { at: 5 } },
        queries: [{ expr: quantile(0.95, 'reaction_seconds'), legend: 'p95' }],
      },
      {
        title: 'Unfinished events',
        description: 'The part of the journal that is taken. When it is full, Falco is told to come again.',
        ...{ kind: 'number', unit: 'percentunit', alarm: { at: 0.5 } },
        queries: [
          { expr: `max(${own('unfinished_events')} / ${own('unfinished_events_limit')})`, legend: 'of the limit' },
        ],
      },
      {
        title: 'Oldest unfinished event',
        description: 'Its age. A capture may take minutes; an hour means that something hangs.',
        ...{ kind: 'number', unit: 's', alarm: { at: 900 } },
        queries: [{ expr: `max(${own('oldest_event_seconds')})`, legend: 'age' }],
      },
    ],
  },
  {
    title: 'Events and rules',
    panels: [
      {
        title: 'Events by priority',
        description: 'What Talon took. Repeats inside the window of deduplication are not in it.',
        ...{ kind: 'graph', unit: 'ops' },
        queries: [{ expr: perSecond('priority', 'event_total'), legend: '{{priority}}' }],
      },
      {
        title: 'Matches by rule',
        description: "Talon's rules that an event set off.",
        ...{ kind: 'graph', unit: 'ops' },
        queries: [{ expr: perSecond('rule', 'match_total'), legend: '{{rule}}' }],
      },
      {
        title: 'Requests turned away',
        description:
          '`full`: events are lost unless the sender comes again. `not_an_event`: the sender sends something else.',
        ...{ kind: 'graph', unit: 'ops' },
        queries: [{ expr: perSecond('reason', 'refused_request_total'), legend: '{{reason}}' }],
      },
    ],
  },
  {
    title: 'Actions',
    panels: [
      {
        title: 'Actions by status',
        description:
          '`ignored` is a decision, and its reason is in the log; `interrupted` means that a crash cut it short.',
        ...{ kind: 'graph', unit: 'ops' },
        queries: [{ expr: perSecond('status', 'action_total'), legend: '{{status}}' }],
      },
      {
        title: 'Failed actions by rule and action',
        description: 'Each is in the log with its error and its trace.',
        ...{ kind: 'graph', unit: 'ops' },
        queries: [{ expr: perSecond('rule, action', 'action_total', FAILED), legend: '{{rule}}: {{action}}' }],
      },
      {
        title: 'Reaction',
        description: "From an event's receipt to the end of its first action that is no dry run.",
        ...{ kind: 'graph', unit: 's' },
        queries: quantiles('reaction_seconds'),
      },
      {
        title: 'How long actions take, p95',
        description: 'With all their tries.',
        ...{ kind: 'graph', unit: 's' },
        queries: [{ expr: quantile(0.95, 'action_duration_seconds', 'actionner'), legend: '{{actionner}}' }],
      },
      {
        title: 'How long actions wait for their turn, p95',
        description: 'For the target, where another action changes it, or for one of the places (`concurrency`).',
        ...{ kind: 'graph', unit: 's' },
        queries: [{ expr: quantile(0.95, 'action_wait_seconds', 'actionner'), legend: '{{actionner}}' }],
      },
      {
        title: 'What is not finished',
        description:
          'Events whose last step is not over, and steps that are ready and have no place, or whose target is taken.',
        ...{ kind: 'graph', unit: 'short' },
        queries: [
          { expr: `sum(${own('unfinished_events')})`, legend: 'events' },
          { expr: `sum(${own('waiting_steps')})`, legend: 'steps that wait' },
        ],
      },
    ],
  },
  {
    title: 'Evidence',
    panels: [
      {
        title: 'Artifacts by target and status',
        description: 'A failure here is the failure of its action.',
        ...{ kind: 'graph', unit: 'ops' },
        queries: [{ expr: perSecond('target, status', 'output_total'), legend: '{{target}} {{status}}' }],
      },
      {
        title: 'How long storing takes, p95',
        description: 'With all its tries.',
        ...{ kind: 'graph', unit: 's' },
        queries: [{ expr: quantile(0.95, 'output_duration_seconds', 'target'), legend: '{{target}}' }],
      },
      {
        title: 'On disk',
        description: 'Artifacts that wait to be stored, and the journal.',
        ...{ kind: 'graph', unit: 'bytes' },
        queries: [
          { expr: `sum(${own('spooled_bytes')})`, legend: 'spool' },
          { expr: `sum(${own('journal_bytes')})`, legend: 'journal' },
        ],
      },
    ],
  },
  {
    title: 'Notifications',
    panels: [
      {
        title: 'Notifications by notifier and status',
        description: 'One for each result and each notifier of its rule.',
        ...{ kind: 'graph', unit: 'ops' },
        queries: [{ expr: perSecond('notifier, status', 'notification_total'), legend: '{{notifier}} {{status}}' }],
      },
      {
        title: 'Notifications that were given up',
        description:
          '`unavailable`: tried again in vain. `refused`: the other side does not want them. `dropped`: too many waited.',
        ...{ kind: 'graph', unit: 'ops' },
        queries: [
          { expr: perSecond('notifier, reason', 'notification_failure_total'), legend: '{{notifier}} {{reason}}' },
        ],
      },
      {
        title: 'Notifications tried again',
        description: 'Tries beyond the first.',
        ...{ kind: 'graph', unit: 'ops' },
        queries: [{ expr: perSecond('notifier', 'notification_retry_total'), legend: '{{notifier}}' }],
      },
      {
        title: 'How long notifiers take, p95',
        description: 'With all their tries.',
        ...{ kind: 'graph', unit: 's' },
        queries: [{ expr: quantile(0.95, 'notification_duration_seconds', 'notifier'), legend: '{{notifier}}' }],
      },
      {
        title: 'Reports that wait',
        description: 'At most 10,000 wait for one notifier; more are dropped.',
        ...{ kind: 'graph', unit: 'short' },
        queries: [{ expr: `sum(${own('waiting_reports')})`, legend: 'reports' }],
      },
    ],
  },
]
