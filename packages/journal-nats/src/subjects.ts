import { PRIORITIES, type Event } from '@talon/plugin'

/** Two queues: what is Critical and above never waits behind the rest. */
export const LANES = ['urgent', 'other'] as const
export type Lane = (typeof LANES)[number]

export const laneOf = ({ priority }: Pick<Event, 'priority'>): Lane =>
  PRIORITIES.indexOf(priority) >= PRIORITIES.indexOf('Critical') ? 'urgent' : 'other'

/** Names of streams and subjects. */
export type Names = ReturnType<typeof namesOf>

export function namesOf(prefix: string) {
  return {
    prefix,
    /** Events that are not finished: a work queue. */
    events: `${prefix}-events`,
    /** How far each of them got, letters on their way, and who delivers those of a process that died. */
    progress: `${prefix}-progress`,
    /** Windows of deduplication, and servers that are alive. */
    state: `${prefix}-state`,
    done: `${prefix}-done`,
    failed: `${prefix}-failed`,
    eventOf: (lane: Lane | '*', id: string) => `${prefix}.events.${lane}.${tokenOrAll(id)}`,
    progressOf: (id: string) => `${prefix}.progress.${token(id)}`,
    windowOf: (key: string) => `${prefix}.windows.${token(key)}`,
    aliveOf: (server: string) => `${prefix}.servers.${token(server)}`,
    heirOf: (run: string) => `${prefix}.letters.${token(run)}`,
    historyOf: (state: 'done' | 'failed', id: string) => `${prefix}.${state}.${token(id)}`,
    letterOf: (server: string, run: string, report: string, notifier: string) =>
      `${prefix}.letters.${[server, run, report, notifier].map(tokenOrAll).join('.')}`,
  }
}

/** A text as one token of a subject. https://docs.nats.io/nats-concepts/subjects#characters-allowed-and-recommended-for-subject-names */
export function token(text: string): string {
  return /^[\w-]+$/.test(text) ? text : `=${Buffer.from(text).toString('base64url')}`
}

const tokenOrAll = (text: string) => (text === '*' ? text : token(text))

/** The text of a token. */
export function textOf(token: string): string {
  return token.startsWith('=') ? Buffer.from(token.slice(1), 'base64url').toString() : token
}
