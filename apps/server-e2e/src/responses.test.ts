import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCluster, real, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { HOSTILE } from './hostile.ts'
import { startReceiver, type Notification } from './receiver.ts'
import { startServer, type Server } from './server.ts'

const RULES = `
- rule: Annotate
  match: { rules: [annotate] }
  actions: [{ action: Annotate, actionner: "kubernetes:annotation", parameters: { annotations: { seen: "yes", old: "" } } }]
- rule: Label the node
  match: { rules: [label node] }
  actions: [{ action: Label, actionner: "kubernetes:label", parameters: { level: node, labels: { suspicious: "true" } } }]
- rule: Terminate
  match: { rules: [terminate] }
  actions: [{ action: End, actionner: "kubernetes:terminate" }]
- rule: Command
  match: { rules: [command] }
  actions: [{ action: Run, actionner: "kubernetes:exec", parameters: { command: 'printf %s "\${PROC_CMDLINE}" | sha256sum' } }]
- rule: Script
  match: { rules: [script] }
  actions: [{ action: Run, actionner: "kubernetes:script", parameters: { script: "set -eu\\nprintf %s \\"$PROC_CMDLINE\\" | sha256sum\\n" } }]
- rule: Failing command
  match: { rules: [failing] }
  actions: [{ action: Run, actionner: "kubernetes:exec", parameters: { command: "echo out; echo err >&2; exit 3" } }]
- rule: No shell
  match: { rules: [no shell] }
  actions: [{ action: Run, actionner: "kubernetes:exec", parameters: { command: "true", shell: /bin/nosuch } }]
- rule: Look around
  match: { rules: [look] }
  actions: [{ action: Run, actionner: "kubernetes:exec", parameters: { command: "ls /tmp" } }]
`

let cluster: Cluster
let server: Server
let receiver: Awaited<ReturnType<typeof startReceiver>>
let namespace: string
beforeAll(async () => {
  cluster = await openCluster()
  receiver = await startReceiver()
  namespace = await cluster.newNamespace()
  const config = `default_notifiers: [webhook]\nnotifiers: { webhook: { url: "${receiver.url}" } }`
  server = await startServer({ kubeconfig: cluster.kubeconfig, rules: RULES, config })
}, 120_000)
afterAll(async () => {
  await server.stop()
  await receiver.close()
  await cluster.close()
}, 60_000)

let asked = 0
/** Posts an event about a pod, and gives what the webhook is told of it. */
async function respond(
  rule: string,
  pod: string,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<Notification> {
  const mark = `ask-${asked++}`
  const { status } = await server.post(
    falcoEvent(rule, { 'k8s.ns.name': namespace, 'k8s.pod.name': pod, mark, ...fields }),
  )
  expect(status).toBe(202)
  return until(() => receiver.received.find(({ falco }) => falco.output_fields['mark'] === mark), `${rule} is told`)
}
const read = async (name: string) => (await cluster.core.readNamespacedPod({ namespace, name })).metadata

describe('on the API server', { timeout: 60_000 }, () => {
  it('annotation sets and removes', async () => {
    await cluster.runPod(namespace, 'annotated', { metadata: { annotations: { old: 'x', kept: 'y' } } })
    expect((await respond('annotate', 'annotated')).status).toBe('success')
    expect((await read('annotated'))?.annotations).toMatchObject({ seen: 'yes', kept: 'y' })
    expect((await read('annotated'))?.annotations).not.toHaveProperty('old')
  })

  it('label marks the node of the pod', async () => {
    const { spec } = await cluster.runPod(namespace, 'on-a-node')
    expect((await respond('label node', 'on-a-node')).status).toBe('success')
    expect((await cluster.core.readNode({ name: spec?.nodeName ?? '' })).metadata?.labels).toMatchObject({
      suspicious: 'true',
    })
  })

  it('terminate leaves alone a pod that is gone, and one that was replaced under its name', async () => {
    expect(await respond('terminate', 'never-was')).toMatchObject({
      status: 'ignored',
      output: expect.stringContaining('gone'),
    })
    await cluster.runPod(namespace, 'newcomer')
    const before = await read('newcomer')
    const strange = { 'k8s.pod.uid': '00000000-0000-0000-0000-000000000000' }
    expect(await respond('terminate', 'newcomer', strange)).toMatchObject({
      status: 'ignored',
      output: expect.stringContaining('not the one of the event'),
    })
    expect((await read('newcomer'))?.uid).toBe(before?.uid)
  })
})

describe.runIf(real)('in a real container', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    await cluster.runPod(namespace, 'shell')
  }, 60_000)

  it('a command that fails tells its status and both of its outputs', async () => {
    const failed = await respond('failing', 'shell')
    expect(failed).toMatchObject({ status: 'failure', error: expect.stringContaining('3') })
    expect(failed.output).toContain('out')
    expect(failed.output).toContain('err')
  })

  it('a container without the shell says so', async () => {
    expect(await respond('no shell', 'shell')).toMatchObject({
      status: 'failure',
      error: expect.stringContaining('/bin/nosuch'),
    })
  })

  it.each(['command', 'script'])('no hostile value is executed by a %s, and each arrives whole', async (kind) => {
    for (const value of HOSTILE) {
      const told = await respond(kind, 'shell', { 'proc.cmdline': value })
      expect([value.slice(0, 40), told.status, told.error]).toEqual([value.slice(0, 40), 'success', undefined])
      expect(told.output).toContain(createHash('sha256').update(value).digest('hex'))
    }
    const { output } = await respond('look', 'shell')
    expect(output).not.toContain('owned')
  })
})
