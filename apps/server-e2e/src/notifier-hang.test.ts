import { expect, it } from 'vitest'
import { startSlackReceiver, type SlackReceiver } from '../../../tools/counterparts/slack-receiver.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startServer, type Server } from './server.ts'

const EVENTS = 1000
const PODS = 20
/** Posts under way at once. */
const POSTS = 16
const LABEL = `
- rule: Mark it
  actions:
    - { action: Label it, actionner: "kubernetes:label", parameters: { labels: { suspicious: "true" } } }
`
/** Ten reports an event: each action says that the event names no pod. */
const TEN = `
- rule: Say it
  actions:
${Array.from({ length: 10 }, (_, n) => `    - { action: Step ${n}, actionner: "kubernetes:terminate", ignore_errors: true }`).join('\n')}
`
/** Reports that wait for one notifier at most: BACKLOG in packages/core/src/talon.ts. */
const BACKLOG = 10_000

async function start(cluster: Cluster, rules: string, { url }: SlackReceiver): Promise<Server> {
  const config = `default_notifiers: [slack]\nnotifiers: { slack: { webhook_url: "${url}" } }\nprint_all_events: false\nretries: 0\nhttp: { timeout: 0.5 }\n`
  return startServer({ kubeconfig: cluster.kubeconfig, rules, config })
}

/** Posts so many events, each one of its own, some at once. */
async function postAll(server: Server, count: number, fields: (n: number) => Readonly<Record<string, unknown>>) {
  let next = 0
  const post = async () => {
    for (let n = next++; n < count; n = next++)
      expect((await server.post(falcoEvent('Shell', { ...fields(n), mark: n }))).status).toBe(202)
  }
  await Promise.all(Array.from({ length: POSTS }, post))
}

/** The sum of a counter's series whose labels fit. */
async function counted({ url }: Server, name: string, labels = ''): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text()
  const lines = page.split('\n').filter((line) => line.startsWith(`${name}_total{`) && line.includes(labels))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

it('actions take no longer where Slack takes connections and never answers', { timeout: 240_000 }, async () => {
  const cluster = await openCluster()
  const namespace = await cluster.newNamespace()
  for (let n = 0; n < PODS; n++) await cluster.runPod(namespace, `web-${n}`)

  /** Milliseconds until all actions have succeeded. */
  async function run(receiver: SlackReceiver, look: (server: Server) => Promise<void>): Promise<number> {
    const server = await start(cluster, LABEL, receiver)
    const began = performance.now()
    await postAll(server, EVENTS, (n) => ({ 'k8s.ns.name': namespace, 'k8s.pod.name': `web-${n % PODS}` }))
    const done = async () => (await counted(server, 'action', 'status="success"')) >= EVENTS || undefined
    await until(done, 'all actions have succeeded')
    const took = performance.now() - began
    await look(server)
    server.process.kill('SIGKILL') // it would try to tell the rest first
    await server.stop()
    await receiver.close()
    return took
  }

  const answering = await startSlackReceiver()
  const usual = await run(answering, async () => {
    await until(() => answering.messages.length >= EVENTS || undefined, 'all is told')
  })
  const silent = await startSlackReceiver({ silent: true })
  const hanging = await run(silent, async (server) => {
    const failures = async () => (await counted(server, 'notification', 'status="failure"')) || undefined
    expect(await until(failures, 'failures are counted')).toBeLessThan(EVENTS)
    expect(await counted(server, 'notification', 'status="success"')).toBe(0)
    expect(await counted(server, 'action', 'status="success"')).toBe(EVENTS)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })
  console.log(`${EVENTS} actions: ${Math.round(usual)} ms with answers, ${Math.round(hanging)} ms without`)
  // Actions that waited for Slack, four at a time and half a second each, would take two minutes: many times as long.
  expect(hanging / usual).toBeLessThan(5)
  await cluster.close()
})

it('more reports than may wait are dropped, and each is counted', { timeout: 240_000 }, async () => {
  const cluster = await openCluster()
  const silent = await startSlackReceiver({ silent: true })
  const server = await start(cluster, TEN, silent)
  const events = BACKLOG / 10 + 100
  await postAll(server, events, () => ({}))
  const done = async () => (await counted(server, 'action', 'status="failure"')) >= events * 10 || undefined
  await until(done, 'all actions have ended')
  // All that is not counted waits, or is one of the four that are being sent.
  const bounded = async () =>
    events * 10 - (await counted(server, 'notification', 'status="failure"')) <= BACKLOG + 4 || undefined
  await until(bounded, 'what found no room is counted')
  const dropped = server.output().split(`dropped: ${BACKLOG} reports wait for slack already`).length - 1
  expect(dropped).toBeGreaterThan(500)
  expect(await counted(server, 'notification', 'status="failure"')).toBeGreaterThanOrEqual(dropped)
  server.process.kill('SIGKILL')
  await server.stop()
  await silent.close()
  await cluster.close()
})
