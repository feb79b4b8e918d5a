import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCluster, until, type Cluster } from '../cluster.ts'
import { KEPT, startLoad, verdictOf } from './load.ts'
import { createMortal, long, settled, type Mortal } from './servers.ts'
import { openWorld, type World } from './world.ts'

const LOSSES = long ? 20 : 4
const RATE = 200
/** Seconds within which a lost leader is replaced: the promise of the settings' defaults. */
const REPLACED = 10

let cluster: Cluster
let world: World
const servers: Mortal[] = []
beforeAll(async () => {
  cluster = await openCluster()
  world = await openWorld()
})
afterAll(async () => {
  for (const { process } of servers) process.kill('SIGKILL')
  await world.close()
  await cluster.close()
})

const leads = async (server: Mortal) => (await server.metric('leader')) === 1

async function leaderOf(among: readonly Mortal[]): Promise<Mortal> {
  return until(async () => {
    const all = await Promise.all(among.map(leads))
    return among.find((_, index) => all[index])
  }, 'a leader is elected')
}

describe('three servers with one Lease', () => {
  it(
    `lose nothing and do nothing twice: the leader is killed or paused ${LOSSES} times under ${RATE} events/s`,
    async () => {
      const namespace = await cluster.newNamespace()
      const env = { POD_NAMESPACE: namespace, DEDUPLICATION_SECRET: 'only these three know it' }
      for (const name of ['talon-0', 'talon-1', 'talon-2'])
        servers.push(await createMortal({ world, name, kubeconfig: cluster.kubeconfig, env }))
      await Promise.all(servers.map((server) => server.start()))
      await leaderOf(servers)
      let down: Mortal | undefined
      const load = startLoad(() => servers.filter((server) => server !== down).map(({ url }) => url), RATE)
      const replaced: number[] = []
      for (let losses = 0; losses < LOSSES; losses++) {
        await sleep(500 + Math.random() * 1500)
        const leader = await leaderOf(servers)
        const paused = losses % 2 === 1
        down = leader
        const began = performance.now()
        if (paused) leader.process.kill('SIGSTOP')
        else await leader.kill()
        await leaderOf(servers.filter((server) => server !== leader))
        replaced.push((performance.now() - began) / 1000)
        if (paused) leader.process.kill('SIGCONT')
        else await leader.start()
        down = undefined
      }
      await load.stop()
      await settled(servers)
      expect(load.answered.length).toBeGreaterThan(LOSSES * RATE)
      expect(verdictOf(load.answered, world)).toEqual(KEPT)
      expect(Math.max(...replaced)).toBeLessThan(REPLACED)
      expect(await Promise.all(servers.map((server) => server.stop()))).toEqual([0, 0, 0])
    },
    LOSSES * 60_000,
  )
})
