import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isGone, openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startReceiver } from './receiver.ts'
import { startServer, type Server } from './server.ts'

const RULES = `
- action: Keep the logs
  actionner: kubernetes:log
  parameters: { tail_lines: 50 }
  output:
    target: local:file
    parameters: { destination: "{folder}" }

- rule: Shell in a container
  match:
    rules: [Terminal shell in container]
    output_fields: ["k8s.ns.name!=kube-system"]
  actions:
    - action: Label it
      actionner: kubernetes:label
      parameters:
        labels: { suspicious: "true", previous: "" }
    - action: Keep the logs
    - action: End it
      actionner: kubernetes:terminate

- rule: Only say it
  match: { rules: [Dry event] }
  dry_run: true
  actions:
    - action: End it
      actionner: kubernetes:terminate
`

describe('an event on its whole way', () => {
  let cluster: Cluster
  let server: Server
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  beforeAll(async () => {
    cluster = await openCluster()
    receiver = await startReceiver()
    server = await startServer({
      kubeconfig: cluster.kubeconfig,
      rules: RULES,
      config: `default_notifiers: [webhook]\nnotifiers: { webhook: { url: "${receiver.url}" } }`,
    })
  }, 240_000)
  afterAll(async () => {
    await server.stop()
    await receiver.close()
    await cluster.close()
  }, 240_000)

  it('labels the pod, stores its logs, terminates it, and tells a webhook of each', { timeout: 240_000 }, async () => {
    const namespace = await cluster.newNamespace()
    const before = await cluster.runPod(namespace, 'web-0', { metadata: { labels: { app: 'web', previous: 'x' } } })
    const answer = await server.post(
      falcoEvent('Terminal shell in container', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web-0' }),
    )
    expect(answer.status).toBe(202)

    await until(async () => {
      const pod = await cluster.core.readNamespacedPod({ namespace, name: 'web-0' }).catch((error: unknown) => {
        if (isGone(error)) return undefined
        throw error
      })
      return !pod || pod.metadata?.uid !== before.metadata?.uid || undefined
    }, 'the pod is gone')

    const told = await until(() => {
      const mine = receiver.received.filter(({ objects }) => JSON.stringify(objects).includes(namespace))
      const stored = receiver.received.filter(({ output_target }) => output_target === 'local:file')
      const ended = mine.some(({ actionner }) => actionner === 'kubernetes:terminate')
      return ended && stored.length ? [...mine, ...stored] : undefined
    }, 'the webhook is told')
    expect(told.map(({ actionner, status }) => `${actionner} ${status}`)).toEqual(
      expect.arrayContaining(['kubernetes:label success', 'kubernetes:log success', 'kubernetes:terminate success']),
    )

    const [file = ''] = readdirSync(server.folder).filter((name) => name.includes(`_${namespace}_web-0_`))
    const content = readFileSync(join(server.folder, file))
    expect(content.toString()).toContain('hello from web-0')
    const report = receiver.received.find(({ output_target }) => output_target === 'local:file')
    expect(report?.objects['sha256']).toBe(createHash('sha256').update(content).digest('hex'))
  })

  it('answers a repeat within the window as a duplicate, and acts once', { timeout: 240_000 }, async () => {
    const namespace = await cluster.newNamespace()
    await cluster.runPod(namespace, 'once')
    const event = () => falcoEvent('Dry event', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'once' })
    expect([(await server.post(event())).status, (await server.post(event())).status]).toEqual([202, 200])
  })

  it('changes nothing in a dry run, and says what it would do', { timeout: 240_000 }, async () => {
    const namespace = await cluster.newNamespace()
    await cluster.runPod(namespace, 'safe')
    await server.post(falcoEvent('Dry event', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'safe' }))
    await until(
      () => receiver.received.find(({ objects }) => objects['namespace'] === namespace),
      'the dry run is told',
    )
    const pod = await cluster.core.readNamespacedPod({ namespace, name: 'safe' })
    expect(pod.metadata?.deletionTimestamp).toBeUndefined()
  })

  it('ends with a failure that names the missing field, and the server goes on', { timeout: 240_000 }, async () => {
    const fields = { 'k8s.ns.name': 'somewhere' }
    expect((await server.post(falcoEvent('Terminal shell in container', fields))).status).toBe(202)
    const failure = await until(
      () => receiver.received.find(({ status }) => status === 'failure'),
      'the failure is told',
    )
    expect(failure.error).toContain('k8s.pod.name')
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })

  it.each([
    ['{', 400],
    ['[]', 400],
    ['{"priority":"Notice"}', 400],
    [`{"rule":"${'x'.repeat(1024 * 1024)}"}`, 413],
  ])('is refused with a JSON reason where the body is %.20s', async (body, status) => {
    const answer = await server.post(body)
    expect(answer.status).toBe(status)
    expect(await answer.json()).toEqual(expect.objectContaining({ error: expect.any(String) }))
  })

  it('is counted: events, matches, actions, outputs, notifications, refusals', async () => {
    const page = await until(async () => {
      const text = await (await fetch(`${server.url}/metrics`)).text()
      return text.includes('notification_total{') ? text : undefined
    }, 'the metrics page has notifications')
    for (const name of ['event', 'match', 'action', 'output', 'notification'])
      expect(page).toMatch(new RegExp(`^\\w*${name}_total\\{`, 'm'))
    expect(page).toMatch(/actionner="kubernetes:terminate".*status="success"/)
    expect(page).toMatch(/otel_scope_name="github.com\/Falco-Talon\/falco-talon"/)
  })
})

const recorded = new URL('../../../../shared/data/falco-events.jsonl', import.meta.url)
describe.runIf(existsSync(recorded))('events as they occur', () => {
  it('are all taken, and the server lives', { timeout: 240_000 }, async () => {
    const cluster = await openCluster()
    const server = await startServer({ kubeconfig: cluster.kubeconfig, rules: RULES })
    for (const line of readFileSync(recorded, 'utf8').split('\n').filter(Boolean))
      expect([200, 202]).toContain((await server.post(line)).status)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    expect(await server.stop()).toBe(0)
    await cluster.close()
  })
})
