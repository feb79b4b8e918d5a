import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startNats } from '../../../packages/journal-nats/src/nats.fixture.ts'
import { openCluster, until } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startReceiver } from './receiver.ts'
import { freePort, startServer } from './server.ts'

/** Seconds. A server that says nothing for four leases is none any more. */
const LEASE = 2
const EVENTS = 3
const RULES = `
- rule: Mark it
  actions:
    - { action: Label it, actionner: "kubernetes:label", parameters: { labels: { suspicious: "true" } } }
`

it('what a server that is killed had not told is told by the one beside it, within a minute, once', async () => {
  const cluster = await openCluster()
  const nats = await startNats()
  const namespace = await cluster.newNamespace()
  await cluster.runPod(namespace, 'web')
  const port = await freePort()
  const config = `default_notifiers: [webhook]
notifiers: { webhook: { url: "http://127.0.0.1:${port}/hook" } }
retries: 100
journal: { type: nats, nats: { servers: ["${nats.url}"], lease: ${LEASE} } }`
  const start = (name: string) =>
    startServer({ kubeconfig: cluster.kubeconfig, rules: RULES, config, env: { POD_NAME: name } })

  // Alone, so that it is the one that acts.
  const killed = await start('killed')
  for (let n = 0; n < EVENTS; n++) {
    const event = falcoEvent('Shell', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web', mark: String(n) })
    expect((await killed.post(event)).status).toBe(202)
  }
  await until(
    () => (killed.output().split('notification failed, trying again').length > EVENTS ? true : undefined),
    'the first server tries to tell',
  )
  const living = await start('living')
  killed.process.kill('SIGKILL')
  const since = performance.now()
  const receiver = await startReceiver(port)
  const told = () => receiver.received.map(({ status, falco }) => `${status} ${falco.output_fields['mark']}`)
  await until(() => (told().length >= EVENTS ? true : undefined), 'the second one tells')
  expect(performance.now() - since).toBeLessThan(60_000)
  // Not by another look, nor by the one that comes back.
  const back = await start('killed')
  await sleep(3 * LEASE * 1000)
  expect(told().toSorted()).toEqual(['success 0', 'success 1', 'success 2'])
  for (const server of [living, back]) expect(await server.stop()).toBe(0)
  await killed.stop()
  await receiver.close()
  await nats.close()
  await cluster.close()
}, 180_000)
