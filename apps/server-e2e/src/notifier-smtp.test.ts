import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { binary } from '../../../tools/cluster/binaries.ts'
import { startMailpit, type Mailpit } from '../../../tools/counterparts/mailpit.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { HOSTILE } from './hostile.ts'
import { startServer, type Server } from './server.ts'

const missing = await binary('mailpit').then(
  () => undefined,
  (error: Error) => error.message,
)
if (missing) console.warn(`not run, mail end to end: ${missing}`)

const RULES = `
- rule: Mark the suspect
  match: { rules: [Terminal shell in container, Hostile] }
  actions:
    - action: Label it
      actionner: kubernetes:label
      parameters: { labels: { suspicious: 'true' } }
`

describe.skipIf(missing)('mail', () => {
  let cluster: Cluster
  let server: Server
  let mailpit: Mailpit
  let namespace: string

  beforeAll(async () => {
    ;[cluster, mailpit] = await Promise.all([openCluster(), startMailpit()])
    namespace = await cluster.newNamespace()
    await cluster.runPod(namespace, 'web')
    const config = `default_notifiers: [smtp]
deduplication: { time_window_seconds: 0 }
notifiers:
  smtp: { host_port: "${mailpit.host}:${mailpit.port}", from: talon@example.org, to: "security@example.org, oncall@example.org" }`
    server = await startServer({ kubeconfig: cluster.kubeconfig, rules: RULES, config })
  })
  afterAll(async () => {
    await server?.stop()
    await mailpit?.close()
    await cluster?.close()
  })

  const arrived = (word: string) =>
    until(async () => (await mailpit.mails()).find(({ text }) => text.includes(word)), `a mail that says ${word}`)

  it('tells people what Talon did about an event', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const event = falcoEvent('Terminal shell in container', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web' })
    const headers = { 'content-type': 'application/json', traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
    expect((await server.post(event, headers)).status).toBe(202)
    const mail = await arrived(traceId)
    expect(mail).toMatchObject({
      from: 'talon@example.org',
      to: ['security@example.org', 'oncall@example.org'],
      subject: expect.stringMatching(/^\[falco\] success: Label it \(Mark the suspect\), .*pod web/) as string,
      headers: { 'X-Talon-Status': ['success'], 'X-Talon-Trace-Id': [traceId], 'X-Falco-Priority': ['Notice'] },
    })
    for (const part of [mail.html, mail.text])
      for (const word of ['Mark the suspect', 'Label it', 'kubernetes:label', 'success', 'web', namespace, traceId])
        expect(part).toContain(word)
  })

  it('shows what an attacker wrote as text, and sends it to nobody else', async () => {
    for (const [index, value] of HOSTILE.entries()) {
      const output = `hostile-${index}- ${value}`
      const fields = { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web', 'proc.cmdline': value }
      const event = falcoEvent('Hostile', fields, { output, tags: [value], hostname: value })
      expect((await server.post(event)).status).toBe(202)
    }
    for (const index of HOSTILE.keys()) {
      const mail = await arrived(`hostile-${index}-`)
      expect(mail.to).toEqual(['security@example.org', 'oncall@example.org'])
      expect(mail.html).not.toMatch(/<script|<[^>]* (src|href|on\w+)=/)
      // eslint-disable-next-line no-control-regex -- they are what must not be there
      expect(mail.html + mail.text).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/)
    }
  })
})
