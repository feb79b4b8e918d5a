import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startNats, type NatsServer } from '../../../../packages/journal-nats/src/nats.fixture.ts'
import { openCluster, type Cluster } from '../cluster.ts'
import { KEPT, startLoad, verdictOf } from './load.ts'
import { createMortal, long, settled, type Mortal } from './servers.ts'
import { openWorld, type World } from './world.ts'

const BLOWS = long ? 60 : 8
/** Seconds. */
const LEASE = 3

let cluster: Cluster
let world: World
let nats: NatsServer
beforeAll(async () => {
  cluster = await openCluster()
  nats = await startNats()
})
afterAll(async () => {
  await nats.close()
  await cluster.close()
})
// Each load counts its marks from 0.
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

async function threeServers(prefix: string): Promise<Mortal[]> {
  const config = `journal: { type: nats, nats: { servers: [${nats.url}], prefix: ${prefix}, lease: ${LEASE} } }`
  const servers = await Promise.all(
    [1, 2, 3].map((place) =>
      createMortal({ world, name: `${prefix}-${place}`, kubeconfig: cluster.kubeconfig, config }),
    ),
  )
  for (const server of servers) await server.start()
  return servers
}

const anyOf = <T>(all: readonly T[]): T => all[Math.floor(Math.random() * all.length)]!

describe('three servers on one NATS', () => {
  it(
    `keep every promise: ${BLOWS} kills of one of them under load, and NATS itself killed meanwhile`,
    async () => {
      const servers = await threeServers('killed')
      const load = startLoad(() => servers.map(({ url }) => url), 60)
      for (let blow = 0; blow < BLOWS; blow++) {
        await sleep(300 + Math.random() * 1_000)
        const server = anyOf(servers)
        await server.kill()
        if (blow % 4 === 3) {
          await nats.kill()
          await sleep(Math.random() * 2_000)
          await nats.start()
        }
        await server.start({ wait: blow % 3 !== 0 })
      }
      await load.stop()
      await settled(servers)
      expect(load.answered.length).toBeGreaterThan(BLOWS * 10)
      expect(verdictOf(load.answered, world)).toEqual(KEPT)
      for (const server of servers) await server.stop()
    },
    BLOWS * 30_000,
  )

  it('go on without one that is stopped for longer than its lease, and that one does nothing twice when it wakes up', async () => {
    const servers = await threeServers('stopped')
    const load = startLoad(() => servers.map(({ url }) => url), 60)
    for (let blow = 0; blow < 3; blow++) {
      await sleep(500 + Math.random() * 500)
      const { process } = anyOf(servers)
      process.kill('SIGSTOP')
      await sleep(2 * LEASE * 1000)
      process.kill('SIGCONT')
    }
    await load.stop()
    await settled(servers)
    expect(load.answered.length).toBeGreaterThan(100)
    expect(verdictOf(load.answered, world)).toEqual(KEPT)
    for (const server of servers) await server.stop()
  }, 240_000)
})
