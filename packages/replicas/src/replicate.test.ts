import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTalon, decode, memoryJournal, readConfig, windowOf, type Talon } from '@talon/core'
import { defineActionner, defineNotifier, definePlugin, done } from '@talon/plugin'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { elect } from './election.ts'
import type { Link } from './link.ts'
import { replicate, type Replica } from './replicate.ts'
import { MemoryStore, quiet, TIMES, until } from './store.fixture.ts'

let folder: string
let running: Talon[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'talon-replicas-'))
  running = []
})
afterEach(async () => {
  await Promise.all(running.map((talon) => talon.stop()))
  rmSync(folder, { recursive: true })
})

const RULES = `
- rule: Answer
  actions:
    - { action: look, actionner: "test:again" }
    - { action: act, actionner: "test:once" }
`
const body = (mark: string | number, over: object = {}) =>
  JSON.stringify({ rule: 'Shell', priority: 'Notice', output_fields: { mark: String(mark) }, ...over })

/** Servers that share a Lease, each with a journal of its own; `did` is what their actions did to the world. */
function world() {
  const { config } = readConfig({ env: {}, flags: { default_notifiers: ['keep'], shutdown_timeout: 1, retries: 0 } })
  const store = new MemoryStore()
  const did: string[] = []
  const told: string[] = []
  const replicas = new Map<string, Replica>()
  const base = { summary: 'A test', parameters: z.object({}), examples: [{ title: 'One', parameters: {} }] } as const
  const action = (name: string, repeatable: boolean) =>
    defineActionner({
      ...base,
      name: `test:${name}`,
      effect: 'change',
      repeatable,
      async run({ event, signal }) {
        await sleep(2, undefined, { signal })
        did.push(`${name} ${event.fields['mark']}`)
        await sleep(2, undefined, { signal })
        return done(name)
      },
    })
  const keep = defineNotifier({
    ...base,
    name: 'keep',
    async run({ reports: [{ actionner, status, event }] }) {
      told.push(`${actionner} ${event.fields['mark']} ${status}`)
      return done('kept')
    },
  })

  async function server(name: string) {
    const line = store.line()
    const reach: Link = async (address, message) => {
      await sleep(1)
      const peer = replicas.get(address)
      if (line.cut || !peer) throw new Error('unreachable')
      return JSON.parse(
        JSON.stringify(await peer.receive(JSON.parse(JSON.stringify(message)) as typeof message)),
      ) as never
    }
    const address = `http://${name}`
    const own = memoryJournal({ maxEvents: 1000, now: () => performance.now() })
    const election = elect({
      store: line,
      identity: name,
      address,
      times: TIMES,
      log: quiet,
      now: () => performance.now(),
    })
    const journal = replicate({
      journal: own,
      election,
      link: reach,
      self: { name, address },
      grace: 500,
      windowOf: (event) => windowOf(event, config.deduplication),
      log: quiet,
      now: Date.now,
    })
    replicas.set(address, journal)
    const talon = await createTalon({
      plugins: [definePlugin({ name: 'test', provides: [keep, action('again', true), action('once', false)] })],
      rules: [{ name: 'rules.yaml', text: RULES }],
      config,
      journal,
      spoolPath: folder,
    })
    running.push(talon)
    return { talon, line, election, own, journal }
  }
  return { server, store, did, told }
}

describe('several servers', () => {
  it('act through their leader alone, and each keeps what it took until it is finished', async () => {
    const { server, did } = world()
    const all = [await server('a'), await server('b'), await server('c')]
    await until(() => all.some(({ journal }) => journal.hands().leading))
    for (const [index, { talon }] of all.entries()) expect((await talon.handle(body(index))).verdict).toBe('accepted')
    await until(() => all.every(({ own }) => own.stats().waiting === 0), 'the end of all')
    expect(did.toSorted()).toEqual(['again 0', 'again 1', 'again 2', 'once 0', 'once 1', 'once 2'])
  })

  it('know one cause that came to several of them for one', async () => {
    const { server, did } = world()
    const all = [await server('a'), await server('b'), await server('c')]
    await until(() => all.some(({ journal }) => journal.hands().leading))
    await Promise.all(all.map(({ talon }) => talon.handle(body('same'))))
    await until(() => all.every(({ own }) => own.stats().waiting === 0), 'the end of all')
    expect(did.toSorted()).toEqual(['again same', 'once same'])
  })

  it('wait, safe, where nobody leads', async () => {
    const { server, did, store } = world()
    store.down = true
    const all = [await server('a'), await server('b')]
    expect((await all[0]!.talon.handle(body(1))).verdict).toBe('accepted')
    await sleep(100)
    expect([did, all[0]!.own.stats().waiting]).toEqual([[], 1])
    store.down = false
    await until(() => all.every(({ own }) => own.stats().waiting === 0), 'the end of all')
    expect(did).toEqual(['again 1', 'once 1'])
  })

  it('lose nothing and do nothing twice where leaders are cut off in mid-work, again and again', async () => {
    const { server, did, told } = world()
    const all = [await server('a'), await server('b'), await server('c')]
    const marks = Array.from({ length: 240 }, (_, index) => String(index))
    for (const [index, mark] of marks.entries()) {
      expect((await all[index % 3]!.talon.handle(body(mark))).verdict).toBe('accepted')
      if (index % 40 === 20) {
        const leader = all.find(({ journal }) => journal.hands().leading)
        if (leader) leader.line.cut = true
        setTimeout(() => leader && (leader.line.cut = false), 700)
      }
      await sleep(8)
    }
    await until(() => all.every(({ own }) => own.stats().waiting === 0), 'the end of all')
    const count = (what: string) => did.filter((one) => one === what).length
    expect(marks.filter((mark) => count(`again ${mark}`) < 1)).toEqual([])
    expect(marks.filter((mark) => count(`once ${mark}`) > 1)).toEqual([])
    const interrupted = (mark: string) => told.includes(`test:once ${mark} interrupted`)
    expect(marks.filter((mark) => count(`once ${mark}`) === 0 && !interrupted(mark))).toEqual([])
  })

  it('hand over at the end what is not finished, where somebody is there to take it', async () => {
    const { server, did } = world()
    const first = await server('a')
    await until(() => first.journal.hands().leading)
    const second = await server('b')
    await until(() => second.election.current().leader !== undefined)
    const ending = first.talon.stop()
    const late = decode(body('late'), { id: 'late', received: Date.now(), traceId: 'a'.repeat(32) })
    await first.own.accept(late, { key: 'late', length: 0, sliding: false })
    await ending
    await until(() => did.includes('once late'), 'the late event')
    expect(did).toEqual(['again late', 'once late'])
  })
})
