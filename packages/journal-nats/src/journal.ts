import { randomUUID } from 'node:crypto'
import type { Journal, KeptEntry } from '@talon/core'
import { ConfigError, type Event } from '@talon/plugin'
import { connectTo } from './connect.ts'
import { accept } from './door.ts'
import { Entries } from './entries.ts'
import { obstacle } from './failure.ts'
import { Figures } from './figures.ts'
import { keptOf } from './facts.ts'
import { Held } from './held.ts'
import { begunAgain, History, lastOf, newestFirst, readable, wants } from './history.ts'
import { Intake } from './intake.ts'
import { Letters } from './letters.ts'
import { Link, TIMEOUT } from './link.ts'
import type { NatsJournalOptions } from './options.ts'
import { originHeaders } from './origin.ts'
import { ensureStreams } from './streams.ts'
import { laneOf, namesOf } from './subjects.ts'
import { Windows } from './windows.ts'

/**
 * The journal that as many servers share as there are: NATS JetStream. A promise that resolved is stored there.
 * @throws ConfigError where NATS cannot be used, with the way out.
 */
export async function natsJournal(options: NatsJournalOptions): Promise<Journal> {
  const { log, now } = options
  const names = namesOf(options.prefix)
  const run = randomUUID()
  const link = await open(options)
  const windows = new Windows(link, names, now)
  const figures = new Figures(link, names, options)
  const letters = new Letters({ ...options, link, names, run })
  const history = new History(link, names)
  let last = 0
  try {
    await ensureStreams(link, names, options)
    await Promise.all([figures.begin(), letters.begin()])
    last = (await link.jsm.streams.info(names.events)).state.last_seq
  } catch (error) {
    await link.connection.close()
    throw obstacle(error, 'the streams cannot be used')
  }
  const entries = new Entries({ ...options, link, names, windows, figures, history, run })
  const intake = new Intake({ link, names, last, log, take: (message, leave) => entries.take(message, leave) })
  const accepted = (event: Event) => entries.accepted(event)

  /** Each event that is not finished, up to so many. */
  async function unfinished(limit: number): Promise<KeptEntry[]> {
    const found = await lastOf(link, names.events, names.eventOf('*', '*'), limit)
    const kept = await Promise.all(found.map(async (message) => keptEntry(await entries.read(message))))
    return kept.flatMap((entry) => entry ?? [])
  }

  /** Undefined where it is finished, or cannot be read any more. */
  async function keptEntry(held: Held | undefined): Promise<KeptEntry | undefined> {
    if (!held || held.ending) return undefined
    const repeats = await windows.repeats(held.origin.key, held.id)
    return readable((): KeptEntry => ({ ...held.entry(repeats), state: 'unfinished' }))[0]
  }

  return {
    accept: (event, window) => accept({ link, names, windows, figures, accepted }, event, window),
    work: () => intake.work(),
    async plan(id, plan) {
      await (await entries.open(id))?.write({ kind: 'plan', plan })
    },
    async step(id, step, record, told = []) {
      const held = await entries.open(id)
      const ids = [...new Set(told.map(({ report }) => report.id))]
      await held?.write({ kind: 'step', step, record, ...(ids.length && { told: ids }) }, () =>
        told.map((letter) => letters.post(id, letter)),
      )
    },
    async note(id, name, value) {
      await (await entries.open(id))?.write({ kind: 'note', name, value })
    },
    finish: (id, result) => entries.finish(id, result),
    letters: () => letters.left(),
    inherited: () => letters.inherited(),
    delivered: (letter) => letters.delivered(letter),
    async list({ state, limit }) {
      const lists = await Promise.all([
        wants(state, 'unfinished') ? unfinished(limit) : [],
        wants(state, 'failed') ? history.list('failed', limit) : [],
        wants(state, 'done') ? history.list('done', limit) : [],
      ])
      return newestFirst(lists.flat(), limit)
    },
    async show(id) {
      const message = await entries.message(id)
      const open = message && (await keptEntry(await entries.read(message)))
      if (open) return open
      const ending = await history.get(id)
      if (!ending) return undefined
      const repeats = await windows.repeats(ending.origin.key, id)
      return readable(() => keptOf({ ...ending, repeats }))[0]
    },
    async retry(id, asked) {
      const ending = await history.get(id, ['failed'])
      if (!ending || (await entries.message(id))) return false
      const { origin, raw } = ending
      const held = new Held({ link, names, origin, raw, seq: 0, run })
      await held.read()
      await held.write({ kind: 'again', progress: begunAgain(ending, asked) })
      const [entry] = readable(() => keptOf(ending))
      const lane = laneOf(entry?.event ?? { priority: 'Debug' })
      await link.put(names.eventOf(lane, id), raw, { id: `${id}.${asked}`, headers: originHeaders(origin) })
      await history.drop(id)
      figures.begunAgain(id, origin.received)
      return true
    },
    async drop(id) {
      const dropped = await history.drop(id)
      if (dropped) figures.forgotten(dropped === 'failed')
      return dropped !== undefined
    },
    stats: () => figures.stats(),
    async close() {
      await intake.close()
      entries.close()
      figures.stop()
      await letters.stop()
      await windows.flush()
      await link.connection.drain().catch(() => link.connection.close())
    },
  }
}

/** Milliseconds that a start waits for NATS. */
const PATIENCE = 30_000
/** Streams whose messages have ages of their own came with it. */
const OLDEST = [2, 11]

async function open({ connection: options, name, patience = PATIENCE, log, onTrouble }: NatsJournalOptions) {
  const [{ headers }, { jetstream, jetstreamManager }] = await Promise.all([
    import('@nats-io/transport-node'),
    import('@nats-io/jetstream'),
  ])
  const connection = await connectTo({ options, name, patience, log })
  try {
    const version = connection.info?.version ?? ''
    const [major = 0, minor = 0] = version.split('.').map(Number)
    if (major < OLDEST[0]! || (major === OLDEST[0] && minor < OLDEST[1]!))
      throw new ConfigError(`journal.nats: NATS ${version} is too old: ${OLDEST.join('.')} or later is needed`)
    const js = jetstream(connection, { timeout: TIMEOUT })
    const jsm = await jetstreamManager(connection, { timeout: TIMEOUT })
    return new Link({ connection, js, jsm, log, headers, onTrouble: () => onTrouble?.() })
  } catch (error) {
    await connection.close()
    throw obstacle(error, 'JetStream cannot be used')
  }
}
