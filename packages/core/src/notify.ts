import { messageOf, type Logger, type Notifier, type Opened, type Uses } from '@talon/plugin'
import type { Letter } from './journal.ts'
import { retry } from './retry.ts'
import { failureOf, type Outcome, type RunStage, type StageEvent } from './stage.ts'

/** A notifier with its settings from the config file. */
export interface Subscriber {
  readonly definition: Notifier
  readonly parameters: unknown
}

export interface NotifyOptions {
  readonly find: (notifier: string) => Subscriber | undefined
  readonly open: (uses: Uses) => Promise<Opened<Uses>>
  readonly runStage: RunStage
  /** Told of each letter that arrived or was given up. */
  readonly delivered: (letter: Letter) => Promise<void>
  readonly log: Logger
  /** Ends everything, also what waits. */
  readonly signal: AbortSignal
  readonly retries: number
  readonly random: () => number
  /** How many reports wait for one notifier at most. */
  readonly backlog: number
}

export interface Notifications {
  /** Queues a letter. Never waits, never throws. */
  send(letter: Letter, event: StageEvent): void
  /** Resolves when there is room for letters that can wait: half of the queue is kept for those that are new. */
  room(notifier: string): Promise<void>
  /** Resolves when nothing is under way. */
  drain(): Promise<void>
  readonly waiting: number
}

interface Queued {
  readonly letter: Letter
  readonly event: StageEvent
}

/** Calls to one notifier at once. */
const CALLS = 4
/** Milliseconds that reports are gathered for a notifier that takes many at once. */
const GATHER = 1000
/** Milliseconds for one call. */
const TIMEOUT = 10_000

/** Tells reports, on a queue of its own for each notifier, so that a slow one holds up nothing and nobody. */
export function createNotifications(options: NotifyOptions): Notifications {
  const queues = new Map<string, Queued[]>()
  const calls = new Map<string, number>()
  const running = new Set<Promise<void>>()

  /** Tells who waits for room that a call has ended. */
  let ended = Promise.withResolvers<void>()
  const gathering = new Map<string, NodeJS.Timeout>()
  /** Notifiers whose reports have waited for others long enough. */
  const gathered = new Set<string>()
  let draining = false

  function work(notifier: string): void {
    const queue = queues.get(notifier) ?? []
    while (queue.length && (calls.get(notifier) ?? 0) < CALLS) {
      const subscriber = options.find(notifier)
      const batch = subscriber?.definition.batch ?? queue.length
      if (queue.length < batch && !draining && !gathered.has(notifier)) return gather(notifier)
      gathered.delete(notifier)
      const queued = queue.splice(0, batch)
      calls.set(notifier, (calls.get(notifier) ?? 0) + 1)
      const call = deliver(notifier, subscriber, queued).finally(() => {
        running.delete(call)
        calls.set(notifier, (calls.get(notifier) ?? 1) - 1)
        work(notifier)
        ended.resolve()
        ended = Promise.withResolvers()
      })
      running.add(call)
    }
  }

  /** Who takes many at once gets them together: the first waits a moment for others. */
  function gather(notifier: string): void {
    if (gathering.has(notifier)) return
    const over = () => {
      gathering.delete(notifier)
      gathered.add(notifier)
      work(notifier)
    }
    gathering.set(notifier, setTimeout(over, GATHER))
  }

  /** One call for all letters; one stage for each, so that each is counted. */
  async function deliver(notifier: string, subscriber: Subscriber | undefined, queued: Queued[]): Promise<void> {
    const [first, ...rest] = queued.map(({ letter }) => letter.report)
    if (!first) return
    let retries = 0
    const call = async (): Promise<Outcome> => {
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
        onRetry: ({ message }, wait) => {
          retries++
          options.log.warn('notification failed, trying again', { notifier, error: message, wait })
        },
      })
    }
    const told = async (): Promise<Outcome> => ({ ...(await call().catch(failureOf)), retries })
    let sent: Promise<Outcome> | undefined
    await Promise.all(queued.map((one) => end(one, () => (sent ??= told()))))
  }

  /** Each letter is a stage of its own; one that the engine's end left undelivered is sent again after a restart. */
  async function end(
    { letter, event }: Queued,
    work: () => Promise<Outcome>,
    facts?: { dropped: true },
  ): Promise<void> {
    const { report, notifier } = letter
    const { rule, action, actionner, dryRun } = report
    const stage = { name: 'notification', event, rule, action, actionner, notifier, dryRun, ...facts } as const
    const { status } = await options.runStage(stage, work)
    if (status === 'failure' && options.signal.aborted) return
    await options.delivered(letter).catch((error: unknown) => {
      options.log.warn('a report arrived, and the journal could not note it: it may be sent again', {
        notifier,
        error: messageOf(error),
      })
    })
  }

  return {
    send(letter, event) {
      const { notifier } = letter
      const queue = queues.get(notifier) ?? []
      queues.set(notifier, queue)
      if (queue.length < options.backlog) queue.push({ letter, event })
      else void refuse({ letter, event })
      work(notifier)
    },
    async room(notifier) {
      while ((queues.get(notifier)?.length ?? 0) >= options.backlog / 2) {
        await ended.promise
        options.signal.throwIfAborted()
      }
    },
    async drain() {
      draining = true
      for (const timer of gathering.values()) clearTimeout(timer)
      for (const notifier of queues.keys()) work(notifier)
      while (running.size) await Promise.allSettled(running)
    },
    get waiting() {
      let count = 0
      for (const queue of queues.values()) count += queue.length
      return count
    },
  }

  /** A report that finds no room is a failed notification: counted and logged as any other. */
  function refuse(one: Queued): Promise<void> {
    const { notifier } = one.letter
    const reason = new Error(`dropped: ${options.backlog} reports wait for ${notifier} already`)
    return end(one, () => Promise.reject(reason), { dropped: true })
  }
}
