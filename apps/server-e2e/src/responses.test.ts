import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { real, type PodParts } from './cluster.ts'
import { HOSTILE } from './hostile.ts'
import { openStand, type Stand } from './stand.ts'

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

let stand: Stand
beforeAll(async () => {
  stand = await openStand(RULES)
}, 240_000)
afterAll(() => stand.close(), 60_000)

const respond = (rule: string, pod: string, fields: Readonly<Record<string, unknown>> = {}) =>
  stand.respond(rule, { 'k8s.pod.name': pod, ...fields })
const runPod = (name: string, over?: PodParts) => stand.cluster.runPod(stand.namespace, name, over)
const read = async (name: string) =>
  (await stand.cluster.core.readNamespacedPod({ namespace: stand.namespace, name })).metadata

describe('on the API server', { timeout: 240_000 }, () => {
  it('annotation sets and removes', async () => {
    await runPod('annotated', { metadata: { annotations: { old: 'x', kept: 'y' } } })
    expect((await respond('annotate', 'annotated')).status).toBe('success')
    expect((await read('annotated'))?.annotations).toMatchObject({ seen: 'yes', kept: 'y' })
    expect((await read('annotated'))?.annotations).not.toHaveProperty('old')
  })

  it('label marks the node of the pod', async () => {
    const { spec } = await runPod('on-a-node')
    expect((await respond('label node', 'on-a-node')).status).toBe('success')
    expect((await stand.cluster.core.readNode({ name: spec?.nodeName ?? '' })).metadata?.labels).toMatchObject({
      suspicious: 'true',
    })
  })

  it('terminate leaves alone a pod that is gone, and one that was replaced under its name', async () => {
    expect(await respond('terminate', 'never-was')).toMatchObject({
      status: 'ignored',
      output: expect.stringContaining('gone'),
    })
    await runPod('newcomer')
    const before = await read('newcomer')
    const strange = { 'k8s.pod.uid': '00000000-0000-0000-0000-000000000000' }
    expect(await respond('terminate', 'newcomer', strange)).toMatchObject({
      status: 'ignored',
      output: expect.stringContaining('not the one of the event'),
    })
    expect((await read('newcomer'))?.uid).toBe(before?.uid)
  })
})

describe.runIf(real)('in a real container', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    await runPod('shell')
  }, 240_000)

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
