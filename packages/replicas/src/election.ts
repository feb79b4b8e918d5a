import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, type Logger } from '@talon/plugin'
import type { LeaseRecord, LeaseStore } from './lease.ts'

export interface ElectionOptions {
  readonly store: LeaseStore
  /** Unique to this process: a restarted one is another. */
  readonly identity: string
  /** Where this process takes what others hand over. */
  readonly address: string
  /** Seconds: a lost leader is replaced after `duration`; one that could not renew for `renew` gives up; `retry` is between tries. */
  readonly times: { readonly duration: number; readonly renew: number; readonly retry: number }
  readonly log: Logger
  /** Milliseconds of a clock that is never set back, and that goes on while the process is paused. */
  readonly now: () => number
}

/** One stretch of leadership. */
export interface Term {
  /** Each term of a Lease has a higher one. */
  readonly turn: number
  /** Aborts when the lease is lost, or was not renewed in time. */
  readonly signal: AbortSignal
  /** By the clock, not by a timer: a process that slept asks before it acts. */
  valid(): boolean
}

/** Who leads, as far as this process knows. */
export interface Leadership {
  /** Present where this process leads. */
  readonly term?: Term
  /** Present where another one does. */
  readonly leader?: { readonly identity: string; readonly address: string; readonly turn: number }
}

export interface Election {
  current(): Leadership
  /** Told of each change. */
  onChange(listener: () => void): void
  /** Gives the lease up, so that another process need not wait, and stands no more; it still sees who leads. */
  release(): Promise<void>
  close(): Promise<void>
}

/** Milliseconds for giving the lease up. */
const RELEASE = 2000

/**
 * Elects one leader among several processes by a Lease, as client-go does: whoever sees it unchanged for its duration,
 * by a clock of its own, takes it. Kubernetes gives no fencing: two may hold themselves for leaders for an instant where
 * a clock runs wrong, so each step asks whether the term is valid.
 */
export function elect({ store, identity, address, times, log, now }: ElectionOptions): Election {
  const ended = new AbortController()
  const listeners = new Set<() => void>()
  let observed: { readonly record: LeaseRecord; readonly at: number } | undefined
  let held:
    | { record: LeaseRecord; deadline: number; readonly lost: AbortController; timer?: NodeJS.Timeout }
    | undefined
  let leadership: Leadership = {}
  let troubled = false
  let standing = true

  const valid = (term: NonNullable<typeof held>) => !term.lost.signal.aborted && now() < term.deadline
  const time = () => new Date().toISOString().replace('Z', '000Z')

  const running = (async () => {
    while (!ended.signal.aborted) {
      const began = now()
      // A call that hangs must leave time for another before the deadline.
      const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(Math.max(500, (times.renew * 1000) / 2))])
      try {
        await (held ? renew(held, began, signal) : stand(began, signal))
        if (troubled) log.info('the Lease is reached again')
        troubled = false
      } catch (error) {
        if (ended.signal.aborted) break
        if (!troubled) log.warn('the Lease cannot be read or written', { error: messageOf(error) })
        troubled = true
      }
      // It was taken while the giving up of it was asked for.
      if (held && !standing) await giveUp()
      if (held && !valid(held)) lose('it could not be renewed in time')
      await sleep(times.retry * 1000 * (0.9 + Math.random() / 5), undefined, { signal: ended.signal }).catch(() => {})
    }
  })()

  /** Looks at the Lease, and takes it where nobody holds it any more. */
  async function stand(began: number, signal: AbortSignal): Promise<void> {
    const record = await store.read(signal)
    if (!record) {
      if (!standing) return
      const fresh = {
        holder: identity,
        address,
        duration: times.duration,
        acquired: time(),
        renewed: time(),
        transitions: 0,
      }
      return lead(await store.create(fresh, signal), began)
    }
    if (observed?.record.version !== record.version) observed = { record, at: now() }
    const free = record.holder === '' || record.holder === identity || now() - observed.at > record.duration * 1000
    if (!free) return follow(record)
    if (!standing) return
    const { duration } = times
    const mine = { ...record, holder: identity, address, duration, acquired: time(), renewed: time() }
    lead(await store.replace({ ...mine, transitions: record.transitions + 1 }, signal), began)
  }

  async function renew(mine: NonNullable<typeof held>, began: number, signal: AbortSignal): Promise<void> {
    try {
      mine.record = await store.replace({ ...mine.record, renewed: time() }, signal)
      extend(mine, began)
    } catch (error) {
      const record = await store.read(signal).catch(() => undefined)
      if (record && record.holder !== identity) {
        lose(`${record.holder || 'nobody'} holds it`)
        return follow(record)
      }
      // Written by somebody else meanwhile, or by a try of our own whose answer was lost.
      if (record) mine.record = record
      throw error
    }
  }

  function lead(record: LeaseRecord, began: number): void {
    const lost = new AbortController()
    held = { record, deadline: 0, lost }
    extend(held, began)
    const term = held
    leadership = { term: { turn: record.transitions, signal: lost.signal, valid: () => valid(term) } }
    log.info('this server leads', { identity })
    tell()
  }

  /** Counted from before the request, since the others count from when they see it. */
  function extend(mine: NonNullable<typeof held>, began: number): void {
    mine.deadline = began + times.renew * 1000
    clearTimeout(mine.timer)
    mine.timer = setTimeout(() => {
      if (held === mine) lose('it could not be renewed in time')
    }, mine.deadline - now())
    mine.timer.unref()
  }

  function follow({ holder, address, transitions: turn }: LeaseRecord): void {
    const { leader } = leadership
    if (leader?.identity === holder && leader.address === address && leader.turn === turn) return
    leadership = { leader: { identity: holder, address, turn } }
    log.info('another server leads', { leader: holder, address })
    tell()
  }

  function lose(why: string): void {
    if (!held) return
    const { lost, timer } = held
    clearTimeout(timer)
    held = undefined
    observed = undefined
    leadership = {}
    log.warn('this server leads no more', { why })
    lost.abort(new Error(`the lease was lost: ${why}`))
    tell()
  }

  async function giveUp(): Promise<void> {
    const mine = held
    if (!mine) return
    lose('this server ends')
    const signal = AbortSignal.timeout(RELEASE)
    const give = (record: LeaseRecord) => store.replace({ ...record, holder: '', duration: 1, renewed: time() }, signal)
    const giveLatest = async () => {
      // A renewal of our own may have come between.
      const record = await store.read(signal)
      if (record?.holder === identity) await give(record)
    }
    await give(mine.record)
      .catch(giveLatest)
      .catch((error: unknown) => {
        log.warn('the Lease could not be given up: another server waits until it ends', { error: messageOf(error) })
      })
  }

  function tell(): void {
    for (const listener of listeners) listener()
  }

  return {
    current: () => (held && !valid(held) ? {} : leadership),
    onChange: (listener) => void listeners.add(listener),
    async release() {
      standing = false
      await giveUp()
    },
    async close() {
      ended.abort()
      await running
      if (held) lose('this server ends')
    },
  }
}
