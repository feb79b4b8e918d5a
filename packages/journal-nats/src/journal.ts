import { randomUUID } from 'node:crypto'
import type { Journal } from '@talon/core'
import { ConfigError, type Event } from '@talon/plugin'
import { connectTo } from './connect.ts'
import { accept } from './door.ts'
import { Entries } from './entries.ts'
import { obstacle } from './failure.ts'
import { Figures } from './figures.ts'
import { History } from './history.ts'
import { Intake } from './intake.ts'
import { Letters } from './letters.ts'
import { Link, TIMEOUT } from './link.ts'
import { operations } from './operations.ts'
import type { NatsJournalOptions } from './options.ts'
import { whenThere } from './patience.ts'
import { ensureConsumers, ensureStreams } from './streams.ts'
import { namesOf } from './subjects.ts'
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
  const history = new History(link, names)
  const letters = new Letters({ ...options, link, names, history, run })
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
  const intake = new Intake({
    ...{ link, names, last, log },
    take: (message, leave) => entries.take(message, leave),
    repair: () => ensureConsumers(link, names, options),
  })
  const accepted = (event: Event) => entries.accepted(event)

  return {
    accept: (event, window) => accept({ link, names, windows, figures, history, accepted }, event, window),
    work: () => intake.work(),
    async plan(id, plan) {
      await (await entries.open(id))?.write({ kind: 'plan', plan })
    },
    async step(id, step, record, told = []) {
      const held = await entries.open(id)
      const ids = [...new Set(told.map(({ report }) => report.id))]
      await held?.write({ kind: 'step', step, record, ...(ids.length && { told: ids }) }, () =>
        told.map((letter) => letters.post(id, letter, held.lease?.signal)),
      )
    },
    async note(id, name, value) {
      await (await entries.open(id))?.write({ kind: 'note', name, value })
    },
    finish: (id, result) => entries.finish(id, result),
    letters: () => letters.left(),
    inherited: () => letters.inherited(),
    delivered: (letter) => letters.delivered(letter),
    ...operations({ link, names, windows, figures, history, entries, run }),
    stats: () => figures.stats(),
    check: () => link.ready(),
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

/** Streams whose messages have ages of their own came with it. */
const OLDEST = [2, 11]

async function open({ connection: options, onTrouble, ...parts }: NatsJournalOptions) {
  const { log } = parts
  const [{ headers }, { jetstream, jetstreamManager }] = await Promise.all([
    import('@nats-io/transport-node'),
    import('@nats-io/jetstream'),
  ])
  const connection = await connectTo({ ...parts, options })
  try {
    const version = connection.info?.version ?? ''
    const [major = 0, minor = 0] = version.split('.').map(Number)
    if (major < OLDEST[0]! || (major === OLDEST[0] && minor < OLDEST[1]!))
      throw new ConfigError(`journal.nats: NATS ${version} is too old: ${OLDEST.join('.')} or later is needed`)
    const js = jetstream(connection, { timeout: TIMEOUT })
    const manage = () => jetstreamManager(connection, { timeout: TIMEOUT })
    const jsm = await whenThere('JetStream cannot be used', manage, parts)
    return new Link({ connection, js, jsm, log, headers, onTrouble: () => onTrouble?.() })
  } catch (error) {
    await connection.close()
    throw obstacle(error, 'JetStream cannot be used')
  }
}
