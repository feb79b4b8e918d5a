import { setTimeout as sleep } from 'node:timers/promises'
import type { Letter } from '@talon/core'
import { TalonError, type Logger } from '@talon/plugin'
import { decodeText } from './codec.ts'
import type { Fact } from './facts.ts'
import { isConflict, isNotFound, isPassing, refusal } from './failure.ts'
import type { History } from './history.ts'
import type { Link } from './link.ts'
import { textOf, type Names } from './subjects.ts'

/** Signs of life in a lease, and leases after which a server without one is none any more. */
const BEATS = 3
const SILENT = 4
/** Leases that a server was itself heard before it takes others to be silent: so long they have to come back after an outage. */
const HEARD = 2
/** Seconds that a report waits for somebody to deliver it. */
const KEPT = 7 * 24 * 3600

interface Posted extends Letter {
  /** Of the event that it tells of. */
  readonly event: string
}

/** A process of a server, by the server's name. */
interface Run {
  readonly name: string
  readonly run: string
}

export interface LettersParts extends Run {
  readonly link: Link
  readonly names: Names
  readonly history: History
  /** Milliseconds. */
  readonly lease: number
  readonly monotonic: () => number
  readonly log: Logger
}

/**
 * Reports on their way. Each lies under the run of the server that decided it. A start takes over those of earlier runs
 * of its own name; while it runs, it takes over those of servers that give no sign of life. Of several, one does.
 */
export class Letters {
  readonly #parts: LettersParts
  readonly #link: Link
  readonly #names: Names
  /** On their way from here, with their sequences. */
  readonly #posted = new Map<string, number>()
  readonly #closing = new AbortController()
  /** Since when NATS has stored each sign of life of this server's own. */
  #heard: number | undefined
  #beating: NodeJS.Timeout | undefined

  constructor(parts: LettersParts) {
    this.#parts = parts
    this.#link = parts.link
    this.#names = parts.names
  }

  /** Gives signs of life from now on. */
  async begin(): Promise<void> {
    await this.#beat()
    const again = () => void this.#beat().catch(() => (this.#heard = undefined))
    this.#beating = setInterval(again, this.#parts.lease / BEATS).unref()
  }

  /** Gives no more, and says so. */
  async stop(): Promise<void> {
    this.#closing.abort()
    clearInterval(this.#beating)
    const filter = this.#names.aliveOf(this.#parts.name)
    await this.#link.jsm.streams.purge(this.#names.state, { filter }).catch(() => {})
  }

  /**
   * Stores it. Whether it was decided, the event's own progress says.
   * @param signal ends the tries: the event has passed to another server, and so has what is told of it
   */
  async post(event: string, letter: Letter, signal?: AbortSignal): Promise<void> {
    const { report, notifier } = letter
    const { name, run } = this.#parts
    const subject = this.#names.letterOf(name, run, report.id, notifier)
    const posted: Posted = { event, ...letter }
    try {
      const { seq } = await this.#link.insist(subject, JSON.stringify(posted), {
        ...{ id: subject, ttl: KEPT },
        ...(signal && { signal }),
      })
      this.#posted.set(keyOf(report.id, notifier), seq)
    } catch (error) {
      if (isPassing(error) || !TalonError.is(error)) throw error
      // Too large. It is told from here, and by nobody else: better than an event that never ends.
      this.#parts.log.warn('a report is not kept: it is lost where this server ends before it arrives', {
        ...{ event, notifier, error: error.message },
      })
    }
  }

  async delivered({ report, notifier }: Letter): Promise<void> {
    const key = keyOf(report.id, notifier)
    const seq = this.#posted.get(key)
    if (seq === undefined) return
    try {
      await this.#link.again(() => this.#forget(seq))
      this.#posted.delete(key)
    } catch (error) {
      throw refusal(error, 'note that a report arrived')
    }
  }

  /** What earlier runs of this server did not deliver. */
  left(): AsyncGenerator<Letter> {
    return this.#take((server) => server === this.#parts.name)
  }

  /**
   * What servers do not deliver that end while this one runs. Whoever was itself not heard cannot say that others are
   * silent: after an outage of NATS all are, until each of them comes back.
   */
  async *inherited(): AsyncGenerator<Letter> {
    const { lease, monotonic, log } = this.#parts
    const { signal } = this.#closing
    while (!signal.aborted)
      try {
        await sleep(lease, undefined, { signal, ref: false })
        if (this.#heard !== undefined && monotonic() - this.#heard >= HEARD * lease) yield* this.#take(() => true)
      } catch (error) {
        if (!signal.aborted)
          log.debug('reports of others could not be looked for, trying again', { error: String(error) })
      }
  }

  async #beat(): Promise<void> {
    const { name, run, lease, monotonic } = this.#parts
    await this.#link.put(this.#names.aliveOf(name), run, { ttl: (SILENT * lease) / 1000 })
    this.#heard ??= monotonic()
  }

  /** Of such servers, what is not on its way from here. */
  async *#take(fits: (server: string) => boolean): AsyncGenerator<Letter> {
    const { prefix, progress } = this.#names
    // From before the list: what is delivered meanwhile may be in it still.
    const posted = new Set(this.#posted.keys())
    const all = this.#names.letterOf('*', '*', '*', '*')
    const info = await this.#link.jsm.streams.info(progress, { subjects_filter: all }).catch((error: unknown) => {
      throw refusal(error, 'look for reports that others left')
    })
    const subjects = Object.keys(info.state.subjects ?? {})
    const runs = new Map<string, Promise<boolean>>()
    const found: { seq: number; posted: Posted }[] = []
    for (const subject of subjects) {
      const [name = '', run = '', report = '', notifier = ''] = subject
        .slice(`${prefix}.letters.`.length)
        .split('.')
        .map(textOf)
      if (run === this.#parts.run || !fits(name) || posted.has(keyOf(report, notifier))) continue
      if (!runs.has(run)) runs.set(run, this.#inherits({ name, run }))
      if (!(await runs.get(run))) continue
      const message = await this.#link.last(progress, subject)
      if (message) found.push({ seq: message.seq, posted: JSON.parse(decodeText(message.data)) as Posted })
    }
    for (const { seq, posted } of found.toSorted((a, b) => a.seq - b.seq)) {
      const { event, ...letter } = posted
      if (await this.#wasDecided(event, letter)) {
        this.#posted.set(keyOf(letter.report.id, letter.notifier), seq)
        yield letter
      } else await this.#forget(seq)
    }
  }

  /** Whether the run is over, and its letters are this one's to deliver. */
  async #inherits(dead: Run): Promise<boolean> {
    const { name, run } = this.#parts
    const subject = this.#names.heirOf(dead.run)
    const message = await this.#link.last(this.#names.progress, subject)
    const heir = message && (JSON.parse(decodeText(message.data)) as Run)
    if (heir?.run === run) return true
    if ((await this.#isAlive(dead)) || (heir && (await this.#isAlive(heir)))) return false
    try {
      const after = message?.seq ?? 0
      await this.#link.put(subject, JSON.stringify({ name, run }), { after, alone: true, ttl: KEPT })
      return true
    } catch (error) {
      if (isConflict(error)) return false
      throw error
    }
  }

  async #isAlive({ name, run }: Run): Promise<boolean> {
    const sign = await this.#link.last(this.#names.state, this.#names.aliveOf(name))
    return sign !== undefined && decodeText(sign.data) === run
  }

  /** A server that died between a report and the fact that it tells of has decided nothing: another one did. */
  async #wasDecided(event: string, { report }: Letter): Promise<boolean> {
    let any = false
    for await (const message of this.#link.all(this.#names.progress, this.#names.progressOf(event))) {
      any = true
      const fact = JSON.parse(decodeText(message.data)) as Fact
      const told = fact.kind === 'step' ? fact.told : fact.kind === 'over' ? fact.ending.told : undefined
      if (fact.kind === 'again' ? fact.progress.told.includes(report.id) : told?.includes(report.id)) return true
    }
    if (any) return false
    const ending = await this.#parts.history.get(event)
    return ending?.told.includes(report.id) ?? true
  }

  async #forget(seq: number): Promise<void> {
    await this.#link.jsm.streams.deleteMessage(this.#names.progress, seq, false).catch((error: unknown) => {
      // It is gone already.
      if (!isNotFound(error)) throw error
    })
  }
}

const keyOf = (report: string, notifier: string) => `${report} ${notifier}`
