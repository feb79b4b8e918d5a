import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSlackReceiver, type SlackReceiver } from '../../../tools/counterparts/slack-receiver.ts'
import { textsOf, type SlackMessage } from '../../../tools/counterparts/slack-rules.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { HOSTILE } from './hostile.ts'
import { startServer, type Server } from './server.ts'

const RULES = `
- rule: Shell in a container
  match: { rules: [Shell] }
  actions:
    - { action: Label it, actionner: "kubernetes:label", parameters: { labels: { suspicious: "true" } } }
    - action: Keep the logs
      actionner: kubernetes:log
      output: { target: "local:file", parameters: { destination: "{folder}" } }

- rule: Nothing to do
  match: { rules: [Hostile] }
  actions:
    - { action: End it, actionner: "kubernetes:terminate" }
`
const MARKUP = [
  '<!channel>',
  '<!here> @here',
  '<@U024BE7LH>',
  '<https://evil.example|your bank>',
  '```',
  '*_~`',
  ':skull:',
]

let cluster: Cluster
let receiver: SlackReceiver
let server: Server
beforeAll(async () => {
  cluster = await openCluster()
  receiver = await startSlackReceiver()
  server = await startServer({
    kubeconfig: cluster.kubeconfig,
    rules: RULES,
    config: 'default_notifiers: [slack]\n',
    env: { NOTIFIERS_SLACK_WEBHOOK_URL: receiver.url },
  })
}, 240_000)
afterAll(async () => {
  await server.stop()
  await receiver.close()
  await cluster.close()
}, 240_000)

const shownIn = (message: SlackMessage) => textsOf(message).map(({ text }) => text)
/** The messages that say this somewhere. */
const told = (words: string) => receiver.messages.filter((message) => shownIn(message).join('\n').includes(words))

describe('an event and what came of it, in Slack', { timeout: 240_000 }, () => {
  it('is told once for each action, and once for what was stored', async () => {
    const namespace = await cluster.newNamespace()
    await cluster.runPod(namespace, 'web-0')
    receiver.answer({ status: 429, body: 'rate_limited', headers: { 'retry-after': '1' } })
    const fields = { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web-0' }
    expect((await server.post(falcoEvent('Shell', fields))).status).toBe(202)
    await until(() => (told(namespace).length >= 2 && receiver.messages.length >= 3) || undefined, 'Slack is told')
    expect(receiver.messages).toHaveLength(3)
    expect(new Set(receiver.messages.map(({ text }) => text))).toEqual(
      new Set([
        "✅ Success: action 'Keep the logs' of rule 'Shell in a container'",
        "✅ Success: action 'Label it' of rule 'Shell in a container'",
        "✅ Success: output local:file of action 'Keep the logs' of rule 'Shell in a container'",
      ]),
    )
    const [message] = told('kubernetes:label')
    expect(message).toMatchObject({ username: 'Falco Talon', attachments: [{ color: '#23ba47' }] })
    expect(message && shownIn(message)).toEqual(
      expect.arrayContaining([`pod: web-0\nnamespace: ${namespace}`, 'Event: Shell happened']),
    )
    // One request was refused, and no message came twice.
    expect([receiver.requests, receiver.messages.length]).toEqual([4, 3])
  })

  it('stands there as it is written, whatever the event holds', async () => {
    const before = receiver.messages.length
    const values = [...HOSTILE, ...MARKUP]
    for (const [mark, value] of values.entries()) {
      const event = falcoEvent('Hostile', { mark, 'k8s.pod.name': value }, { output: `${mark}: ${value}` })
      expect((await server.post(event)).status).toBe(202)
    }
    const wanted = before + values.length
    await until(() => receiver.messages.length >= wanted || undefined, 'Slack took each message')
    expect(receiver.messages).toHaveLength(wanted)
    const texts = receiver.messages.flatMap((message) => [message.text ?? '', ...shownIn(message)])
    expect(texts.filter((text) => /[<>]|&(?!(amp|lt|gt);)/.test(text))).toEqual([])
    for (const message of receiver.messages)
      expect(
        textsOf(message).filter(
          ({ type, text }) => type === 'mrkdwn' && !/^\*[A-Z][a-z ]+\*$|^https:\/\/github/.test(text),
        ),
      ).toEqual([])
  })

  it('does not bring the address of the webhook into a log', async () => {
    receiver.answer({ status: 404, body: 'no_service' })
    await server.post(falcoEvent('Hostile', { mark: 'no service' }))
    await until(() => server.output().includes('no_service') || undefined, 'the refusal is logged')
    expect(server.output()).toContain('copy webhook_url from the app again')
    expect(server.output()).not.toContain('T00000000')
  })
})
