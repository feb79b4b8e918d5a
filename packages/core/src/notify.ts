import type { Logger, Notifier, Opened, Report, Result, Uses } from '@talon/plugin'
import { retry } from './retry.ts'
import type { RunStage, StageEvent } from './stage.ts'

/** A notifier with its settings from the config file. */
export interface Subscriber {
  readonly definition: Notifier
  readonly parameters: unknown
}

export interface NotifyOptions {
  readonly find: (notifier: string) => Subscriber | undefined
  readonly open: (uses: Uses) => Promise<Opened<Uses>>
  readonly runStage: RunStage
  readonly log: Logger
  /** Ends everything, also what waits. */
  readonly signal: AbortSignal
  readonly retries: number
  readonly random: () => number
  /** How many reports wait for one notifier at most. */
  readonly backlog: number
}

export interface Notifications {
  /** Queues a report for each of the notifiers. Never waits, never throws. */
  send(report: Report, event: StageEvent, notifiers: readonly string[]): void
  /** Resolves when nothing is under way. */
  drain(): Promise<void>
  readonly waiting: number
}

interface Letter {
  readonly report: Report
  readonly event: StageEvent
}

/** Calls to one notifier at once. */
const CALLS = 4
/** Milliseconds for one call. */
const TIMEOUT = 10_000

/** Tells reports, on a queue of its own for each notifier, so that a slow one holds up nothing and nobody. */
export function createNotifications(options: NotifyOptions): Notifications {
  const queues = new Map<string, Letter[]>()
  const calls = new Map<string, number>()
  const running = new Set<Promise<void>>()

  function work(notifier: string): void {
    const queue = queues.get(notifier) ?? []
    while (queue.length && (calls.get(notifier) ?? 0) < CALLS) {
      const subscriber = options.find(notifier)
      const letters = queue.splice(0, subscriber?.definition.batch ?? queue.length)
      calls.set(notifier, (calls.get(notifier) ?? 0) + 1)
      const call = deliver(notifier, subscriber, letters).finally(() => {
        running.delete(call)
        calls.set(notifier, (calls.get(notifier) ?? 1) - 1)
        work(notifier)
      })
      running.add(call)
    }
  }

  /** One call for all letters; one stage for each, so that each is counted. */
  async function deliver(notifier: string, subscriber: Subscriber | undefined, letters: Letter[]): Promise<void> {
    const [first, ...rest] = letters.map(({ report }) => report)
    if (!first) return
    const call = async (): Promise<Result> => {
      if (!subscriber) throw new Error(`the notifier ${notifier} is not configured any more`)
      const { definition, parameters } = subscriber
      const clients = await options.open(definition.uses)
      const send = () =>
        definition.run(
          {
            reports: [first, ...rest],
            parameters,
            log: options.log,
            signal: AbortSignal.any([options.signal, AbortSignal.timeout(TIMEOUT)]),
          },
          clients,
        )
      return retry(send, {
        retries: options.retries,
        signal: options.signal,
        random: options.random,
        onRetry: ({ message }, wait) =>
          options.log.warn('notification failed, trying again', { notifier, error: message, wait }),
      })
    }
    let sent: Promise<Result> | undefined
    await Promise.all(
      letters.map(({ report: { rule, action, actionner, dryRun }, event }) =>
        options.runStage(
          { name: 'notification', event, rule, action, actionner, notifier, dryRun },
          () => (sent ??= call()),
        ),
      ),
    )
  }

  return {
    send(report, event, notifiers) {
      for (const notifier of notifiers) {
        const queue = queues.get(notifier) ?? []
        queues.set(notifier, queue)
        if (queue.length < options.backlog) queue.push({ report, event })
        else void refuse(notifier, { report, event })
        work(notifier)
      }
    },
    async drain() {
      while (running.size) await Promise.allSettled(running)
    },
    get waiting() {
      let count = 0
      for (const queue of queues.values()) count += queue.length
      return count
    },
  }

  /** A report that finds no room is a failed notification: counted and logged as any other. */
  function refuse(notifier: string, { report: { rule, action, actionner, dryRun }, event }: Letter) {
    return options.runStage({ name: 'notification', event, rule, action, actionner, notifier, dryRun }, () =>
      Promise.reject(new Error(`dropped: ${options.backlog} reports wait for ${notifier} already`)),
    )
  }
}
