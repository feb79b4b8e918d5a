import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, messageOf, type Client, type Event, type Issue, type Logger, type Report } from '@talon/plugin'
import type { RuleSource } from './compile.ts'
import { windowOf } from './dedup.ts'
import { decode } from './event.ts'
import { createGate } from './gate.ts'
import { createIds } from './ids.ts'
import { inspect, type InspectOptions } from './inspect.ts'
import type { Journal, Letter, Verdict } from './journal.ts'
import { Lanes } from './lanes.ts'
import { memoryJournal } from './memory.ts'
import { createNotifications } from './notify.ts'
import { patient } from './patient.ts'
import { plan } from './plan.ts'
import { passBy } from './respond.ts'
import { createResponses } from './responses.ts'
import type { Ruleset } from './ruleset.ts'
import { createSpool } from './spool.ts'
import { stageRunner, type Observer, type StageEvent } from './stage.ts'
import { keepSwept } from './sweep.ts'
import type { Tools } from './tools.ts'
import { traceOf } from './trace.ts'
import { clientsOf } from './uses.ts'

export interface TalonOptions extends InspectOptions {
  /** Stand around every stage, the first outermost. */
  readonly observers?: readonly Observer[]
  /** Keeps events until their last step; without one, memory does. */
  readonly journal?: Journal
  /** A folder for artifacts on their way. */
  readonly spoolPath: string
}

export interface Accepted {
  readonly verdict: Verdict
  readonly traceId: string
}

export interface Readiness {
  readonly ready: boolean
  /** What is in the way, a line each. */
  readonly problems: readonly string[]
}

/** A running engine. */
export interface Talon {
  /**
   * Takes the body of one Falco event. Resolves as soon as the event is safe, before anything is done about it.
   * @throws EventError where it is none.
   */
  handle(body: string, traceparent?: string): Promise<Accepted>
  /** Swaps the rules, between two events. @throws ConfigError with all issues; the old rules stay then. */
  reload(rules: readonly RuleSource[]): Promise<readonly Issue[]>
  ready(signal: AbortSignal): Promise<Readiness>
  readonly ruleset: Ruleset
  /** Events that are not finished, work that waits for a place, reports that wait, bytes in the spool. */
  stats(): { readonly events: number; readonly steps: number; readonly reports: number; readonly spooled: number }
  /** Takes no more, finishes what it can within `shutdown_timeout`, leaves the rest in the journal, closes all. */
  stop(): Promise<void>
}

/** Reports that wait for one notifier at most. */
const BACKLOG = 10_000

/** Milliseconds of a clock that is never set back. */
const monotonic = () => performance.now()
/** Epoch milliseconds, with fractions. */
const now = () => performance.timeOrigin + performance.now()

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Puts the engine together and starts it. @throws ConfigError that lists everything that is wrong. */
export async function createTalon(options: TalonOptions): Promise<Talon> {
  const { config, log = silent } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const journal = options.journal ?? memoryJournal({ maxEvents: config.journal.max_events, now: monotonic })
  const runStage = stageRunner(options.observers ?? [])

  const inspection = inspect(options)
  const { host } = inspection
  if (!inspection.ruleset) throw new ConfigError(inspection.issues)
  let ruleset: Ruleset = inspection.ruleset
  await openClients(ruleset)

  const gate = createGate({ host, log, signal })
  const lanes = new Lanes({ concurrency: config.concurrency, now: monotonic })
  const spool = createSpool({ path: options.spoolPath, maxBytes: config.spool.max_bytes })
  const notifications = createNotifications({
    find: (name) => {
      const definition = host.find('notifier', name)
      return definition && { definition, parameters: definition.parameters.parse(config.notifiers[name] ?? {}) }
    },
    open: (uses) => host.open(uses),
    runStage,
    delivered: (letter) => journal.delivered(letter),
    log,
    signal,
    retries: config.retries,
    random: Math.random,
    backlog: BACKLOG,
  })
  let stamped = 0
  const newId = createIds()
  const tools: Tools = {
    host,
    open: gate,
    journal: patient(journal, { signal, log }),
    lanes,
    spool,
    runStage,
    notify: (letters, event) => {
      for (const letter of letters) notifications.send(letter, event)
    },
    log,
    signal,
    mayAct: () => signal.throwIfAborted(),
    retries: config.retries,
    maxEventAge: config.max_event_age * 1000,
    now,
    stamp: () => (stamped = Math.max(stamped + 1, Math.floor(now()))),
    random: Math.random,
    newId,
  }

  const responses = createResponses({ journal, tools, ruleset: () => ruleset })
  let taking = true
  await keepSwept({ spool, journal, working: responses.entries, log, signal })
  const telling = tell(journal.letters(), 'reports of an earlier run are not told')
  const inheriting = tell(journal.inherited?.() ?? [], 'reports of other servers that end are not taken over any more')
  const working = responses.work().catch((error: unknown) => {
    log.error('the journal gives no more work: restart the server', { error: messageOf(error) })
  })

  /** Tells what others decided, as fast as it is taken: it lies in the journal, and need not crowd out what is new. */
  async function tell(letters: Iterable<Letter> | AsyncIterable<Letter>, otherwise: string): Promise<void> {
    try {
      for await (const letter of letters) {
        await notifications.room(letter.notifier)
        notifications.send(letter, eventOf(letter.report))
      }
    } catch (error) {
      if (!signal.aborted) log.error(`${otherwise}: restart the server`, { error: messageOf(error) })
    }
  }

  /**
   * Most events set nothing off. Where the journal can, such a one takes one write in place of two, and no way through
   * its queue: half of what it costs.
   */
  async function accept(event: Event): Promise<Verdict> {
    const window = windowOf(event, config.deduplication)
    if (!journal.conclude || responses.full || plan(event, ruleset).rules.length) return journal.accept(event, window)
    const verdict = await journal.conclude(event, window)
    if (verdict === 'accepted') responses.follow(passBy(event, runStage))
    return verdict
  }

  async function openClients(next: Ruleset): Promise<void> {
    for (const client of clientsOf(next, host)) await host.open({ client })
  }

  return {
    async handle(body, traceparent) {
      const trace = traceOf(traceparent)
      const event = decode(body, { id: newId(), received: now(), ...trace })
      if (!taking) return { verdict: 'full', ...trace }
      return { verdict: await accept(event), ...trace }
    },
    async reload(rules) {
      const { issues, ruleset: next } = inspection.compile(rules)
      if (!next) throw new ConfigError(issues)
      await openClients(next)
      ruleset = next
      return issues
    },
    async ready(asked) {
      const check = async (name: string, work: () => unknown) => {
        try {
          await work()
          return []
        } catch (error) {
          return [`${name}: ${messageOf(error)}`]
        }
      }
      const clients = clientsOf(ruleset, host).map((client: Client) =>
        check(client.name, () => host.check(client, asked)),
      )
      const problems = (await Promise.all([...clients, check('journal', () => journal.check?.())])).flat()
      return { ready: taking && problems.length === 0, problems: taking ? problems : [...problems, 'stopping'] }
    },
    get ruleset() {
      return ruleset
    },
    stats: () => ({
      events: journal.stats().waiting,
      steps: lanes.waiting,
      reports: notifications.waiting,
      spooled: spool.used,
    }),
    async stop() {
      taking = false
      const timeout = new AbortController()
      const drained = responses.drain().then(() => notifications.drain())
      await Promise.race([
        drained,
        sleep(config.shutdown_timeout * 1000, undefined, { signal: timeout.signal, ref: false }).catch(() => {}),
      ])
      timeout.abort()
      stopping.abort(new Error('Talon is stopping'))
      await Promise.race([drained, sleep(1000, undefined, { ref: false })])
      await journal.close()
      await Promise.all([working, telling, inheriting])
      await host.close()
    },
  }
}

/** What a report that an earlier run left says of its event. */
function eventOf({ event, time, traceId }: Report): StageEvent {
  return { ...event, traceId, received: Date.parse(time) }
}
