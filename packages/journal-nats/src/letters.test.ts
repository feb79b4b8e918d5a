import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { Journal, Letter } from '@talon/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { accept, letterOf } from '../../core/src/journal.fixture.ts'
import { natsJournal } from './journal.ts'
import { startNats, type NatsServer } from './nats.fixture.ts'
import { openProxy } from './proxy.fixture.ts'
import { optionsOf } from './stand.fixture.ts'

/** Milliseconds. A server that says nothing for four times as long is none any more. */
const LEASE = 1_000
const PLAN = { rulesHash: 'h', rules: [] }

let nats: NatsServer
const opened: Journal[] = []
beforeAll(async () => {
  nats = await startNats()
})
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close()
})
afterAll(() => nats.close())

/** A server, and what it is told of others' letters while it runs. */
interface Peer {
  readonly journal: Journal
  readonly inherited: Letter[]
}

/** Servers of their own prefix. */
function servers() {
  const options = optionsOf(nats.url, { lease: LEASE })
  const open = async (name: string, url = nats.url): Promise<Journal> => {
    const journal = await natsJournal({ ...options, name, connection: { servers: [url] } })
    opened.push(journal)
    return journal
  }
  return {
    open,
    openPeer: async (name: string): Promise<Peer> => {
      const journal = await open(name)
      const inherited: Letter[] = []
      void (async () => {
        for await (const letter of journal.inherited?.() ?? []) inherited.push(letter)
      })()
      return { journal, inherited }
    },
    /** As NATS does ten minutes after an event's end. */
    forget: async (id: string): Promise<void> => {
      const other = await connect({ servers: nats.url })
      const jsm = await jetstreamManager(other)
      const { prefix } = options
      await jsm.streams.purge(`${prefix}-progress`, { filter: `${prefix}.progress.${id}` })
      await other.close()
    },
    /** One that dies after what it does. */
    openDead: async (name: string, work: (journal: Journal) => Promise<void>): Promise<void> => {
      const proxy = await openProxy(nats.url)
      const dead = await natsJournal({ ...options, name, connection: { servers: [proxy.url] } })
      await work(dead)
      await proxy.close()
      await dead.close()
    },
  }
}

/** Finishes a step, and delivers nothing of it. */
const tell =
  (...ids: string[]) =>
  async (journal: Journal): Promise<void> => {
    await accept(journal, '1')
    const letters = ids.map((id) => letterOf(id))
    await journal.step('1', '0.0', { state: 'success' }, letters)
  }

async function lettersOf(journal: Journal): Promise<Letter[]> {
  const letters: Letter[] = []
  for await (const letter of journal.letters()) letters.push(letter)
  return letters
}

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await sleep(10)
}

const idsOf = (peers: readonly Peer[]) => peers.flatMap(({ inherited }) => inherited.map(({ report }) => report.id))

describe('reports that a server had not delivered when it died', () => {
  it('are told by one of those that live, once, and by the next when that one ends too', async () => {
    const { openPeer, openDead } = servers()
    const peers = await Promise.all(['a', 'b', 'c'].map(openPeer))
    await openDead('dead', tell('1', '2', '3'))
    await until(() => idsOf(peers).length >= 3)
    await sleep(3 * LEASE)
    expect(idsOf(peers)).toEqual(['1', '2', '3'])
    const heir = peers.find(({ inherited }) => inherited.length)!
    expect(heir.inherited).toEqual(['1', '2', '3'].map((id) => letterOf(id)))
    await heir.journal.delivered(letterOf('2'))
    await heir.journal.close()
    const rest = peers.filter((peer) => peer !== heir)
    await until(() => idsOf(rest).length >= 2)
    await sleep(3 * LEASE)
    expect(idsOf(rest)).toEqual(['1', '3'])
  }, 60_000)

  it('are told at once by a start of its name, and then by nobody else', async () => {
    const { openPeer, openDead } = servers()
    const peer = await openPeer('a')
    await openDead('dead', tell('1'))
    const back = await openPeer('dead')
    expect(await lettersOf(back.journal)).toEqual([letterOf('1')])
    await sleep(6 * LEASE)
    expect(idsOf([peer, back])).toEqual([])
  }, 60_000)

  it('are told by one that starts later, but not where the step that they tell of was never stored', async () => {
    const { open, openPeer, openDead, forget } = servers()
    const first = await open('first')
    await openDead('dead', async (dead) => {
      await accept(dead, '2')
      await dead.plan('2', PLAN)
      // The event passes to another: what the one before stores of it is refused, but for the report.
      await first.plan('2', PLAN)
      await dead.step('2', '0.0', { state: 'success' }, [letterOf('never')]).catch(() => {})
      await tell('1')(dead)
    })
    // How far it got is forgotten after a while.
    await first.finish('2', 'done')
    await forget('2')
    const later = await openPeer('later')
    expect(await lettersOf(later.journal)).toEqual([])
    await until(() => later.inherited.length > 0)
    await sleep(3 * LEASE)
    expect(idsOf([later])).toEqual(['1'])
  }, 60_000)
})

describe('reports of a server that lives', () => {
  it('are its own, however long they take, also when NATS comes back after all signs of life have expired', async () => {
    const { open, openPeer } = servers()
    const peers = await Promise.all(['a', 'b'].map(openPeer))
    const proxy = await openProxy(nats.url)
    await tell('1')(await open('slow', proxy.url))
    await sleep(6 * LEASE)
    expect(idsOf(peers)).toEqual([])
    proxy.block()
    await nats.kill()
    await sleep(5 * LEASE)
    await nats.start()
    // It is back a little later than the others.
    await sleep(1.3 * LEASE)
    proxy.unblock()
    await sleep(6 * LEASE)
    expect(idsOf(peers)).toEqual([])
    for (const journal of opened.splice(0)) await journal.close()
    await proxy.close()
  }, 60_000)
})
