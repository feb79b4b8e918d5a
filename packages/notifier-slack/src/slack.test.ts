import { http } from '@talon/client-http'
import type { Report } from '@talon/plugin'
import { checkPlugin, falcoEvent } from '@talon/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { startSlackReceiver, type SlackReceiver } from '../../../tools/counterparts/slack-receiver.ts'
import plugin, { slack } from './index.ts'

checkPlugin(plugin)

const log = { debug() {}, info() {}, warn() {}, error() {} }
let receiver: SlackReceiver
beforeEach(async () => {
  receiver = await startSlackReceiver()
})
afterEach(() => receiver.close())

const event = falcoEvent({ output: 'a shell <!channel>' })
const report: Report = {
  id: 'r1',
  stage: 'action',
  status: 'success',
  message: 'the pod is gone',
  rule: 'Terminate',
  action: 'kill it',
  actionner: 'kubernetes:terminate',
  dryRun: false,
  objects: { pod: 'web-0', namespace: 'default' },
  time: '2026-11-24T12:00:00.000Z',
  duration: 12.5,
  event,
  traceId: event.traceId,
}

async function tell(parameters: Partial<z.input<typeof slack.parameters>> = {}) {
  const client = await http.open(http.settings.parse({}), { log })
  const { signal } = new AbortController()
  const given = slack.parameters.parse({ webhook_url: receiver.url, ...parameters })
  return slack
    .run({ reports: [report], parameters: given, signal, log }, { http: client })
    .finally(() => client.close())
}

describe('slack', () => {
  it('sends a message that the receiver takes, with the name, picture and footer of its defaults', async () => {
    const { message } = await tell()
    expect(message).not.toContain('services')
    const [told] = receiver.messages
    expect(told).toMatchObject({
      username: 'Falco Talon',
      icon_url: expect.stringContaining('Circaetus_gallicus') as string,
    })
    expect(JSON.stringify(told)).toContain('https://github.com/falcosecurity/falco-talon')
  })

  it.each([
    [400, 'invalid_payload', /does not take the form/],
    [400, 'invalid_blocks', /does not take the form/],
    [403, 'action_prohibited', /administrator/],
    [403, 'invalid_token', /copy the address/],
    [404, 'channel_not_found', /is gone/],
    [404, 'no_service', /disabled, removed or mistyped/],
    [410, 'channel_is_archived', /unarchive/],
  ])('explains %i %s and does not ask for another try', async (status, body, advice) => {
    receiver.answer({ status, body })
    const failed = tell()
    await expect(failed).rejects.toMatchObject({ kind: 'action', retryable: false })
    await expect(failed).rejects.toThrow(advice)
    await expect(failed).rejects.toThrow(body)
  })

  it('leaves it to the engine to try again, and hands on how long Slack asks to wait', async () => {
    receiver.answer({ status: 429, body: 'rate_limited', headers: { 'retry-after': '30' } })
    await expect(tell()).rejects.toMatchObject({ retryable: true, retryAfter: 30_000 })
    receiver.answer({ status: 500, body: 'rollup_error' })
    await expect(tell()).rejects.toMatchObject({
      retryable: true,
      message: expect.stringContaining('of its own') as string,
    })
    expect(receiver.requests).toBe(2)
  })

  it('shows nothing of the address in an error', async () => {
    receiver.answer({ status: 404, body: `no_service ${new URL(receiver.url).pathname}` })
    const message = await tell().then(String, (error: Error) => error.message)
    expect(message).toContain('no_service')
    expect(message).not.toContain('XXXX')
  })

  it.each([
    [{ webhook_url: 'hooks.slack.com/services/x' }, 'is no http'],
    [{ icon: 'a bird' }, 'is neither'],
    [{ format: 'medium' }, 'Invalid option'],
  ])('takes no settings that cannot work: %j', (parameters, words) => {
    const given = { webhook_url: receiver.url, ...parameters }
    expect(JSON.stringify(slack.parameters.safeParse(given).error?.issues)).toContain(words)
  })
})
