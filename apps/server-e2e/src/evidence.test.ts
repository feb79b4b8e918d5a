import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { real, until } from './cluster.ts'
import { HOSTILE } from './hostile.ts'
import { openStand, type Stand } from './stand.ts'

const store = 'output: { target: "local:file", parameters: { destination: "{folder}" } }'
const RULES = `
- rule: Download
  match: { rules: [download] }
  actions: [{ action: Get, actionner: "kubernetes:download", timeout: 120, parameters: { file: "\${FD_NAME}" }, ${store} }]
- rule: Packets
  match: { rules: [packets] }
  actions: [{ action: Capture, actionner: "kubernetes:tcpdump", parameters: { duration: 3, image: "talon.test/tcpdump:1" }, ${store} }]
- rule: No such image
  match: { rules: [no image] }
  actions: [{ action: Capture, actionner: "kubernetes:tcpdump", parameters: { duration: 1, image: "talon.test/nobody:1" }, ${store} }]
- rule: System calls
  match: { rules: [calls] }
  actions: [{ action: Capture, actionner: "kubernetes:sysdig", parameters: { duration: 1, image: "talon.test/busybox:1" }, ${store} }]
`

describe.runIf(real)('evidence of a real pod', { timeout: 240_000 }, () => {
  let stand: Stand
  beforeAll(async () => {
    if (!real) return
    stand = await openStand(RULES)
    const command = [
      'sh',
      '-c',
      'head -c 3000000 /dev/urandom > /tmp/loot; mkdir /tmp/dir; while true; do ping -c 1 127.0.0.1 > /dev/null; sleep 0.2; done',
    ]
    const container = { name: 'main', image: 'talon.test/busybox:1', imagePullPolicy: 'Never', command }
    await stand.cluster.runPod(stand.namespace, 'victim', { spec: { containers: [container] } })
  }, 240_000)
  afterAll(() => (real ? stand.close() : undefined), 60_000)

  const at = (name: string | undefined) => readFileSync(join(stand.server.folder, name ?? ''))
  const stored = async (rule: string, fields: object = {}) => {
    const { status, objects, error } = await stand.respond(rule, { 'k8s.pod.name': 'victim', ...fields }, 'output')
    expect([status, error]).toEqual(['success', undefined])
    return { objects, content: at(objects['destination']?.split('/').at(-1)) }
  }

  it('is downloaded whole, with the digest that is told', async () => {
    const { objects, content } = await stored('download', { 'fd.name': '/tmp/loot' })
    expect([content.length, objects['size']]).toEqual([3_000_000, '3000000'])
    expect(objects['sha256']).toBe(createHash('sha256').update(content).digest('hex'))
  })

  it.each([
    ['/tmp/nothing', 'is not there'],
    ['/tmp/dir', 'is a directory'],
    ['/tmp/loot; rm -rf /', 'is not there'],
  ])('is not to be had of %s, and that is told', async (file, reason) => {
    const { status, error } = await stand.respond('download', { 'k8s.pod.name': 'victim', 'fd.name': file })
    expect([status, error]).toEqual(['failure', expect.stringContaining(reason)])
  })

  it('is never more than a path, whatever the event says', async () => {
    for (const value of HOSTILE) {
      const { status, error } = await stand.respond('download', { 'k8s.pod.name': 'victim', 'fd.name': value })
      expect([value, status, error]).toEqual([value, 'failure', expect.any(String)])
    }
    const { error } = await stand.respond('download', { 'k8s.pod.name': 'victim', 'fd.name': '/tmp/owned' })
    expect(error).toContain('is not there')
  })

  it('of a gigabyte takes no more memory than that of some megabytes', { timeout: 240_000, retry: 2 }, async () => {
    const command = [
      'sh',
      '-c',
      'head -c 33554432 /dev/zero > /tmp/some; head -c 1073741824 /dev/zero > /tmp/much; touch /tmp/made; sleep 3600',
    ]
    const container = { name: 'main', image: 'talon.test/busybox:1', imagePullPolicy: 'Never', command }
    // A pod of its own for each try.
    const pod = `large-${Date.now()}`
    await stand.cluster.runPod(stand.namespace, pod, { spec: { containers: [container] } })
    const file = async (name: string) =>
      (await stand.respond('download', { 'k8s.pod.name': pod, 'fd.name': `/tmp/${name}` })).status
    await until(async () => ((await file('made')) === 'success' ? true : undefined), 'the files are made')
    const { pid } = stand.server.process
    const resident = () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
    const fetched = (name: string) =>
      stand.respond('download', { 'k8s.pod.name': pod, 'fd.name': `/tmp/${name}`, again: name }, 'output')
    // The first stream of a process grows V8's and the sockets' own room, once.
    const some = await fetched('some')
    expect([some.error, some.objects['size']]).toEqual([undefined, String(32 * 2 ** 20)])
    const before = resident()
    let most = before
    const watch = setInterval(() => (most = Math.max(most, resident())), 20)
    const told = await fetched('much').finally(() => clearInterval(watch))
    expect([told.error, told.objects['size']]).toEqual([undefined, String(2 ** 30)])
    expect(most - before).toBeLessThan(64)
  })

  it('is the packets of its network, which tcpdump reads back', async () => {
    const { content, objects } = await stored('packets')
    expect(content.length).toBeGreaterThan(24)
    const file = join(stand.server.folder, objects['destination']?.split('/').at(-1) ?? '')
    expect(execFileSync('tcpdump', ['-nr', file], { encoding: 'utf8' })).toMatch(/ICMP echo request/)
  })

  it('is not captured with an image that cannot be had, and that is told', async () => {
    const { status, error } = await stand.respond('no image', { 'k8s.pod.name': 'victim' })
    expect([status, error]).toEqual(['failure', expect.stringContaining('talon.test/nobody:1')])
  })

  it('leaves no Job behind where system calls cannot be captured, and says so', async () => {
    const { status } = await stand.respond('calls', { 'k8s.pod.name': 'victim' })
    expect(['failure', 'ignored']).toContain(status)
    await until(async () => {
      const { items } = await stand.cluster.core.listNamespacedPod({
        namespace: stand.namespace,
        labelSelector: 'job-name',
      })
      return items.length === 0 || undefined
    }, "the Job's pod is gone")
  })
})
