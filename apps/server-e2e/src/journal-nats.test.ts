import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startNats, type NatsServer } from '../../../packages/journal-nats/src/nats.fixture.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startServer } from './server.ts'

const RULES = `
- rule: Say it
  actions:
    - { action: Say, actionner: "kubernetes:terminate" }
`

let cluster: Cluster
let nats: NatsServer
beforeAll(async () => {
  cluster = await openCluster()
  nats = await startNats()
})
afterAll(async () => {
  await nats.close()
  await cluster.close()
})

const start = (url: string, more = '', wait = true) =>
  startServer({
    kubeconfig: cluster.kubeconfig,
    rules: RULES,
    config: `journal: { type: nats, nats: { servers: ["${url}"]${more} } }`,
    wait,
  })

describe('a server whose NATS is away', () => {
  it('refuses events with 503 and Retry-After, is not ready, and takes them again when it is back', async () => {
    const server = await start(nats.url)
    let mark = 0
    const post = () => server.post(falcoEvent('Shell', { mark: String(mark++) }))
    expect((await post()).status).toBe(202)
    await nats.kill()
    const refused = await until(async () => {
      const answer = await post()
      return answer.status === 503 ? answer : undefined
    }, 'events are refused')
    expect(refused.headers.get('retry-after')).toMatch(/^[1-9]/)
    const readiness = async () => (await fetch(`${server.url}/readyz`)).json() as Promise<{ problems: string[] }>
    await until(async () => (await readiness()).problems.find((one) => /journal: NATS is away/.test(one)), 'it says so')
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    await nats.start()
    await until(async () => ((await post()).status === 202 ? true : undefined), 'events are taken again')
    await until(async () => ((await fetch(`${server.url}/readyz`)).ok ? true : undefined), 'it is ready again')
    expect(await server.stop()).toBe(0)
  }, 120_000)

  it('or is none for Talon does not start, and says what to do', async () => {
    const server = await start(nats.url, ', replicas: 3', false)
    const [code] = (await once(server.process, 'exit')) as [number]
    expect(code).toBe(2)
    expect(server.output()).toContain('lower journal.nats.replicas')
    await server.stop()
  }, 60_000)
})
