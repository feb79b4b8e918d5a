import { setTimeout as sleep } from 'node:timers/promises'
import type { KeptEntry } from '@talon/core'
import type { Logger } from '@talon/plugin'
import type { Copies } from './copies.ts'
import type { Election } from './election.ts'
import type { Link } from './link.ts'
import { FILL, handed, MAX_MESSAGE, type Fate, type HandedEntry, type Peer } from './messages.ts'

export interface HandingParts {
  readonly copies: Copies
  readonly election: Election
  readonly link: Link
  readonly self: Peer
  /** Undefined where there is no such entry. */
  readonly show: (id: string) => Promise<KeptEntry | undefined>
  readonly finish: (id: string, result: 'done' | 'failed') => Promise<void>
  readonly log: Logger
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Entries in one message at most. */
const BATCH = 100
/** Bytes of a message besides its entries: more than enough. */
const REST = 64 * 1024
/** Milliseconds between tries. */
const PAUSE = 500

/** How an entry ended for who handed it over. */
const ENDS: Readonly<Partial<Record<Fate, 'done' | 'failed'>>> = {
  ...{ done: 'done', duplicate: 'done' },
  ...{ failed: 'failed', unreadable: 'failed' },
}

/** A follower's side of a hand-over: gives what is idle to the leader, as long as there is one that takes it. */
export function createHanding(parts: HandingParts): () => Promise<void> {
  const { copies, election, link, self, show, finish, log, now, signal } = parts
  let handing = false

  /** As much of these as fits a message. */
  async function pack(ids: readonly string[]): Promise<HandedEntry[]> {
    const entries: HandedEntry[] = []
    let size = 0
    const found = await Promise.all(ids.map(async (id) => [id, await show(id)] as const))
    for (const [id, entry] of found) {
      if (entry?.state !== 'unfinished') {
        copies.forget(id)
        continue
      }
      const one = handed(entry, now())
      const bytes = Buffer.byteLength(JSON.stringify(one))
      if (bytes > MAX_MESSAGE - REST) await settle(id, 'unreadable')
      else if (size === 0 || size + bytes < FILL) {
        size += bytes
        entries.push(one)
      }
    }
    return entries
  }

  /** @returns whether the leader took any of them. */
  async function handTo(leader: string, ids: readonly string[]): Promise<boolean> {
    try {
      const entries = await pack(ids)
      if (!entries.length) return true
      const answer = await link(leader, { kind: 'entries', from: self, entries }, signal)
      if (!('fates' in answer)) return false
      // Who took them may lead no more by now: then they go to whoever does.
      const current = election.current().leader?.address === leader
      const settling = answer.fates.map(async (fate, index) => {
        if (current || fate !== 'kept') await settle(entries[index]!.receipt.id, fate)
      })
      await Promise.all(settling)
      return answer.fates.some((fate) => fate === 'kept' || fate in ENDS)
    } catch (error) {
      log.debug('events could not be handed to the leader', { leader, error: String(error) })
      return false
    }
  }

  async function settle(id: string, fate: Fate): Promise<void> {
    const at = copies.at(id)
    // A later version may know other fates: they change nothing here.
    const result = ENDS[fate]
    if (at === 'idle' && fate === 'kept') return copies.move(id, 'handed')
    // It is the last now: for a more urgent one the leader may have room.
    if (at === 'idle' && fate === 'full') return copies.move(id, 'idle')
    if (!at || !result) return
    if (fate === 'unreadable')
      log.error('the leader cannot take an event: it failed, and is kept', {
        event: id,
        next: `talon journal show ${id}`,
      })
    await finish(id, result)
    copies.forget(id)
  }

  return async function hand(): Promise<void> {
    if (handing) return
    handing = true
    try {
      for (let left = copies.in('idle', BATCH); left.length && !signal.aborted; left = copies.in('idle', BATCH)) {
        const { leader, term } = election.current()
        if (term) break
        if (!leader || !(await handTo(leader.address, left))) await sleep(PAUSE, undefined, { signal }).catch(() => {})
      }
    } finally {
      handing = false
    }
  }
}
