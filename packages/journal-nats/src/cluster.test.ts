import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { accept } from '../../core/src/journal.fixture.ts'
import { freePort } from '../../../tools/counterparts/free-port.ts'
import { natsJournal } from './journal.ts'
import { startNats, type NatsServer } from './nats.fixture.ts'
import { optionsOf } from './stand.fixture.ts'

let cluster: NatsServer[]
beforeAll(async () => {
  const ports = [await freePort(), await freePort(), await freePort()]
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ')
  const configOf = (port: number, place: number) =>
    `server_name: s${place}\ncluster { name: c, listen: "127.0.0.1:${port}", routes: [${routes}] }`
  cluster = await Promise.all(ports.map((port, place) => startNats(configOf(port, place))))
})
afterAll(() => Promise.all(cluster.map((server) => server.close())))

it('a cluster of NATS that elects its leaders is waited for, keeps what it is given thrice, and may lose a server', async () => {
  const servers = cluster.map(({ url }) => url)
  const options = optionsOf('', { connection: { servers }, replicas: 3, patience: 60_000, lease: 2_000 })
  const journal = await natsJournal(options)
  const own = await connect({ servers })
  const info = await (await jetstreamManager(own)).streams.info(`${options.prefix}-events`)
  await own.close()
  expect(info.config.num_replicas).toBe(3)
  expect(await accept(journal, '1')).toBe('accepted')
  const leader = cluster[Number(info.cluster?.leader?.slice(1))]!
  await leader.kill()
  for (let id = 2; (await accept(journal, String(id)).catch(() => 'away')) !== 'accepted'; id++) await sleep(100)
  for await (const { entry } of journal.work()) if (entry.event.id === '1') break
  await journal.close()
}, 120_000)
