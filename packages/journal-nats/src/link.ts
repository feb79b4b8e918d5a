import { setTimeout as sleep } from 'node:timers/promises'
import type { JetStreamClient, JetStreamManager, PubAck, StoredMsg } from '@nats-io/jetstream'
import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node'
import { ActionError, type Logger } from '@talon/plugin'
import { encode } from './codec.ts'
import { isConflict, isNotFound, isPassing, refusal } from './failure.ts'

export interface Put {
  /** Last sequence of the subject that the writer knows of; 0: none. */
  readonly after?: number
  /** What is published twice under one id is stored once. */
  readonly id?: string
  /** Seconds until it is forgotten. */
  readonly ttl?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Replaces what the subject holds. */
  readonly alone?: boolean
  /** Milliseconds for the whole. */
  readonly timeout?: number
  /** Ends the tries. */
  readonly signal?: AbortSignal
  /** Of what NATS takes in one message, the part that this one may have. */
  readonly share?: number
}

/** Milliseconds that an answer may take, that an outage may take before nobody waits for it, and between tries. */
export const TIMEOUT = 1_500
const OUTAGE = 1_000
const PAUSE = 100
/** Bytes of a message that are left for its headers. */
const HEADERS = 4_096

/** https://docs.nats.io/reference/reference-protocols/nats_api_reference#fetching-from-a-stream-by-sequence */
type Query = { readonly seq: number; readonly next_by_subj?: string } | { readonly last_by_subj: string }

/** The connection to NATS, as the journal uses it. */
export class Link {
  readonly connection: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
  readonly #log: Logger
  readonly #headers: () => MsgHdrs
  #away: number | undefined
  #back = Promise.withResolvers<void>()

  constructor(
    parts: Pick<Link, 'connection' | 'js' | 'jsm'> & {
      readonly log: Logger
      readonly headers: () => MsgHdrs
      readonly onTrouble: () => void
    },
  ) {
    this.connection = parts.connection
    this.js = parts.js
    this.jsm = parts.jsm
    this.#log = parts.log
    this.#headers = parts.headers
    this.#back.resolve()
    void this.#watch(parts.onTrouble)
  }

  /** Stores a message. @throws what NATS says; of a conflict, `isConflict` knows. */
  async put(subject: string, text: string, options: Put = {}): Promise<PubAck> {
    const { after, id, ttl, headers = {}, alone = false, timeout = TIMEOUT, share = 1 } = options
    const carried = this.#headers()
    for (const [name, value] of Object.entries(headers)) carried.set(name, value)
    if (alone) carried.set('Nats-Rollup', 'sub')
    const data = encode(text)
    const most = (this.connection.info?.max_payload ?? Infinity) * share - HEADERS
    if (data.length > most)
      throw new ActionError(
        `${data.length} bytes are more than one message of NATS has room for (${Math.floor(most)}): raise its max_payload`,
      )
    await this.ready()
    return this.js.publish(subject, data, {
      headers: carried,
      timeout,
      ...(id !== undefined && { msgID: id }),
      ...(ttl !== undefined && { ttl: `${Math.max(1, Math.ceil(ttl))}s` }),
      ...(after !== undefined && { expect: { lastSubjectSequence: after } }),
    })
  }

  /** The same, again and again while NATS is away. It must have an id. */
  async insist(subject: string, text: string, options: Put & { readonly id: string }): Promise<PubAck> {
    return this.again(() => this.put(subject, text, options), options.signal)
  }

  /** Does it until it succeeds, or until what goes wrong does not pass. */
  async again<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (;;)
      try {
        return await work()
      } catch (error) {
        if (signal?.aborted || this.connection.isClosed() || isConflict(error) || !isPassing(error)) throw error
        this.#log.debug('NATS did not answer, trying again', { error: String(error) })
        await sleep(PAUSE, undefined, { signal }).catch(() => Promise.reject(error))
      }
  }

  /** The subject's last message. */
  async last(stream: string, subject: string): Promise<StoredMsg | undefined> {
    return this.#get(stream, { last_by_subj: subject })
  }

  /** The first message of the subject with this sequence or a later one. */
  async next(stream: string, subject: string, from: number): Promise<StoredMsg | undefined> {
    return this.#get(stream, { seq: from, next_by_subj: subject })
  }

  async at(stream: string, seq: number): Promise<StoredMsg | undefined> {
    return this.#get(stream, { seq })
  }

  /** All messages of a subject, from a sequence on. */
  async *all(stream: string, subject: string, from = 1): AsyncGenerator<StoredMsg> {
    for (let at = from; ;) {
      const message = await this.next(stream, subject, at)
      if (!message) return
      yield message
      at = message.seq + 1
    }
  }

  /** Resolves while NATS is there. @throws ActionError once it has been away for a while. */
  async ready(): Promise<void> {
    if (this.#away === undefined) return
    const left = OUTAGE - (performance.now() - this.#away)
    // Who comes later waits for nothing: all that wait are kept until it is back, which may take hours.
    const back =
      left > 0 && (await Promise.race([this.#back.promise.then(() => true), sleep(left, false, { ref: false })]))
    if (!back) throw new ActionError('NATS is away: look whether it runs', { retryable: true })
  }

  /** The leader of the stream answers, so that nothing older is read than was written. */
  async #get(stream: string, query: Query): Promise<StoredMsg | undefined> {
    await this.ready()
    try {
      return (await this.jsm.streams.getMessage(stream, query)) ?? undefined
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw refusal(error, 'read')
    }
  }

  async #watch(onTrouble: () => void): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect' && this.#away === undefined) {
        this.#away = performance.now()
        this.#back = Promise.withResolvers()
        this.#log.error('NATS is away: events are refused until it is back', { server: status.server })
        onTrouble()
      }
      if (status.type === 'reconnect') {
        this.#away = undefined
        this.#back.resolve()
        this.#log.info('NATS is back', { server: status.server })
      }
      if (status.type === 'error') {
        this.#log.error('NATS refuses', { error: status.error.message })
        onTrouble()
      }
    }
  }
}
