import type { Letter } from '@talon/core'
import { decodeText } from './codec.ts'
import type { Fact } from './facts.ts'
import { isConflict, isNotFound, refusal } from './failure.ts'
import type { Link } from './link.ts'
import { textOf, type Names } from './subjects.ts'

/** Seconds between two signs of life, and after which a server without one is none any more. */
const BEAT = 3
const ALIVE = 15
/** Seconds that a report waits for somebody to deliver it. */
const KEPT = 7 * 24 * 3600

interface Posted extends Letter {
  /** Of the event that it tells of. */
  readonly event: string
}

/**
 * Reports on their way. Each lies under the name of the run of a server that decided it. A start takes over those of
 * earlier runs of its own name, and those of servers that give no sign of life; of several that start, one.
 */
export class Letters {
  readonly #link: Link
  readonly #names: Names
  readonly #name: string
  readonly #run: string
  readonly #posted = new Map<string, number>()
  #beating: NodeJS.Timeout | undefined

  constructor(link: Link, names: Names, name: string, run: string) {
    this.#link = link
    this.#names = names
    this.#name = name
    this.#run = run
  }

  /** Gives signs of life from now on. */
  async begin(): Promise<void> {
    const beat = () => this.#link.put(this.#names.aliveOf(this.#name), this.#run, { ttl: ALIVE })
    await beat()
    this.#beating = setInterval(() => void beat().catch(() => {}), BEAT * 1000).unref()
  }

  /** Gives no more, and says so. */
  async stop(): Promise<void> {
    clearInterval(this.#beating)
    const filter = this.#names.aliveOf(this.#name)
    await this.#link.jsm.streams.purge(this.#names.state, { filter }).catch(() => {})
  }

  /** Stores it. Whether it was decided, the event's own progress says. */
  async post(event: string, letter: Letter): Promise<void> {
    const { report, notifier } = letter
    const subject = this.#names.letterOf(this.#name, this.#run, report.id, notifier)
    const posted: Posted = { event, ...letter }
    const { seq } = await this.#link.insist(subject, JSON.stringify(posted), { id: subject, ttl: KEPT })
    this.#posted.set(keyOf(letter), seq)
  }

  async delivered(letter: Letter): Promise<void> {
    const seq = this.#posted.get(keyOf(letter))
    if (seq === undefined) return
    try {
      await this.#link.again(() => this.#forget(seq))
      this.#posted.delete(keyOf(letter))
    } catch (error) {
      throw refusal(error, 'note that a report arrived')
    }
  }

  /** What servers that are no more did not deliver. */
  async *left(): AsyncGenerator<Letter> {
    const { prefix, progress } = this.#names
    const info = await this.#link.jsm.streams.info(progress, { subjects_filter: `${prefix}.letters.>` })
    const subjects = Object.keys(info.state.subjects ?? {})
    const runs = new Map<string, Promise<boolean>>()
    const found: { seq: number; posted: Posted }[] = []
    for (const subject of subjects) {
      const [server = '', run = ''] = subject.slice(`${prefix}.letters.`.length).split('.').map(textOf)
      if (run === this.#run) continue
      if (!runs.has(run)) runs.set(run, this.#inherits(server, run))
      if (!(await runs.get(run))) continue
      const message = await this.#link.last(progress, subject)
      if (message) found.push({ seq: message.seq, posted: JSON.parse(decodeText(message.data)) as Posted })
    }
    for (const { seq, posted } of found.toSorted((a, b) => a.seq - b.seq)) {
      const { event, ...letter } = posted
      if (await this.#wasDecided(event, letter)) {
        this.#posted.set(keyOf(letter), seq)
        yield letter
      } else await this.#forget(seq)
    }
  }

  /** Whether the run is over, and its letters are this one's to deliver. */
  async #inherits(server: string, run: string): Promise<boolean> {
    if (await this.#isAlive(server, run)) return false
    const subject = this.#names.heirOf(run)
    const heir = await this.#link.last(this.#names.state, subject)
    if (heir) {
      const { name, run } = JSON.parse(decodeText(heir.data)) as { name: string; run: string }
      if (await this.#isAlive(name, run)) return false
    }
    try {
      await this.#link.put(subject, JSON.stringify({ name: this.#name, run: this.#run }), { after: heir?.seq ?? 0 })
      return true
    } catch (error) {
      if (isConflict(error)) return false
      throw error
    }
  }

  async #isAlive(server: string, run: string): Promise<boolean> {
    const sign = await this.#link.last(this.#names.state, this.#names.aliveOf(server))
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
    return !any
  }

  async #forget(seq: number): Promise<void> {
    await this.#link.jsm.streams.deleteMessage(this.#names.progress, seq, false).catch((error: unknown) => {
      // It is gone already.
      if (!isNotFound(error)) throw error
    })
  }
}

const keyOf = ({ report, notifier }: Letter) => `${report.id} ${notifier}`
