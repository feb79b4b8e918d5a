import type { ConsumerConfig, StreamConfig } from '@nats-io/jetstream'
import { ConfigError } from '@talon/plugin'
import { codeOf, isNotFound, obstacle } from './failure.ts'
import type { Link } from './link.ts'
import type { NatsJournalOptions } from './options.ts'
import { whenThere } from './patience.ts'
import { LANES, type Names } from './subjects.ts'

const NANOS = 1_000_000
/** Milliseconds that NATS knows an id at least: longer than any event is on its way through the door. */
const KNOWN = 120_000
/** Failed events that are kept at most; the oldest make way. */
const FAILED = 10_000

type Wanted = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects' | 'retention'>

function wantedOf(names: Names, options: NatsJournalOptions): Wanted[] {
  const { prefix } = names
  const { maxEvents, maxBytes, keep, window, replicas } = options
  const common = {
    storage: 'file',
    num_replicas: replicas,
    allow_rollup_hdrs: true,
    allow_msg_ttl: true,
    allow_direct: false,
    duplicate_window: (KNOWN + window) * NANOS,
  } as const
  return [
    {
      ...common,
      ...{ name: names.events, subjects: [`${prefix}.events.*.*`], retention: 'workqueue', discard: 'new' },
      ...{ max_msgs: maxEvents, max_bytes: Math.floor(maxBytes / 2) },
    },
    // No limit: what was accepted must be able to end.
    {
      ...common,
      ...{ name: names.progress, subjects: [`${prefix}.progress.*`, `${prefix}.letters.>`], retention: 'limits' },
    },
    {
      ...common,
      ...{ name: names.state, retention: 'limits', discard: 'old', max_msgs_per_subject: 1 },
      subjects: [`${prefix}.windows.*`, `${prefix}.servers.*`],
      ...{ max_msgs: Math.max(10_000, maxEvents), max_age: (2 * window + 3_600_000) * NANOS },
    },
    {
      ...common,
      ...{ name: names.done, subjects: [`${prefix}.done.*`], retention: 'limits', discard: 'old' },
      ...{ max_msgs_per_subject: 1, max_age: Math.max(keep, KNOWN + window) * NANOS },
      max_bytes: Math.floor(maxBytes / 4),
    },
    {
      ...common,
      ...{ name: names.failed, subjects: [`${prefix}.failed.*`], retention: 'limits', discard: 'old' },
      ...{ max_msgs_per_subject: 1, max_msgs: FAILED, max_bytes: Math.floor(maxBytes / 8) },
    },
  ]
}

/** Makes the streams that are missing, and changes what the settings say otherwise. @throws ConfigError */
export async function ensureStreams(link: Link, names: Names, options: NatsJournalOptions): Promise<void> {
  for (const wanted of wantedOf(names, options))
    await whenThere(`the stream ${wanted.name} cannot be used`, () => ensureStream(link, wanted, names), options)
  await ensureConsumers(link, names, options)
}

/** Makes what events are handed out by. @throws ConfigError */
export async function ensureConsumers(
  link: Link,
  names: Names,
  options: Pick<NatsJournalOptions, 'lease' | 'maxEvents' | 'patience' | 'log'>,
): Promise<void> {
  for (const lane of LANES) {
    const wanted: Partial<ConsumerConfig> & { durable_name: string } = {
      ...{ durable_name: lane, filter_subject: names.eventOf(lane, '*') },
      ...{ ack_policy: 'explicit', deliver_policy: 'all', max_deliver: -1 },
      ...{ ack_wait: options.lease * NANOS, max_ack_pending: options.maxEvents },
    }
    const wrong = `the consumer ${lane} of the stream ${names.events} cannot be used`
    await whenThere(wrong, () => ensureConsumer(link, names.events, wanted), options)
  }
}

async function ensureStream({ jsm }: Link, wanted: Wanted, { prefix }: Names): Promise<void> {
  const known = await jsm.streams.info(wanted.name).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
  if (!known) return void (await jsm.streams.add(wanted))
  const is: Partial<Record<string, unknown>> = known.config
  // An earlier version may have had other subjects, but none of other names.
  const own = known.config.subjects.every((subject) => subject.startsWith(`${prefix}.`))
  if (known.config.retention !== wanted.retention || !own)
    throw new ConfigError(
      `journal.nats: the stream ${wanted.name} is there with another retention or other subjects: it is not Talon's; set another journal.nats.prefix`,
    )
  const changed = Object.entries(wanted).filter(([key, value]) => JSON.stringify(is[key]) !== JSON.stringify(value))
  if (!changed.length) return
  const settings = changed.map(([key]) => key).join(', ')
  await jsm.streams.update(wanted.name, { ...known.config, ...wanted }).catch((error: unknown) => {
    throw obstacle(error, `the stream ${wanted.name} cannot be changed (${settings})`)
  })
}

async function ensureConsumer(
  { jsm }: Link,
  stream: string,
  wanted: Partial<ConsumerConfig> & { durable_name: string },
): Promise<void> {
  try {
    await jsm.consumers.add(stream, wanted)
  } catch (error) {
    // It is there with other settings.
    if (![10013, 10148, 10105].includes(codeOf(error) ?? 0)) throw error
    const { ack_wait, max_ack_pending } = wanted
    await jsm.consumers.update(stream, wanted.durable_name, {
      ...(ack_wait !== undefined && { ack_wait }),
      ...(max_ack_pending !== undefined && { max_ack_pending }),
    })
  }
}
