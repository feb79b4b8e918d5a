import { checkPlugin, falcoEvent, report, runNotifier } from '@talon/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { startSlackReceiver, type SlackReceiver } from '../../../tools/counterparts/slack-receiver.ts'
import { openHttp } from '../../client-http/testing/open.ts'
import plugin, { slack } from './index.ts'

checkPlugin(plugin)

let receiver: SlackReceiver
beforeEach(async () => {
  receiver = await startSlackReceiver()
})
afterEach(() => receiver.close())

async function tell(parameters: Partial<z.input<typeof slack.parameters>> = {}) {
  const reports = [report({ event: falcoEvent({ output: 'a shell <!channel>' }) })] as const
  const clients = { http: await openHttp() }
  return runNotifier(slack, { webhook_url: receiver.url, ...parameters }, { clients, reports })
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
    const { message, ...failed } = await tell()
    expect(failed).toMatchObject({ status: 'failure', error: { kind: 'action', retryable: false } })
    expect(message).toMatch(advice)
    expect(message).toContain(body)
  })

  it('leaves it to the engine to try again, and hands on how long Slack asks to wait', async () => {
    receiver.answer({ status: 429, body: 'rate_limited', headers: { 'retry-after': '30' } })
    expect(await tell()).toMatchObject({ error: { retryable: true, retryAfter: 30_000 } })
    receiver.answer({ status: 500, body: 'rollup_error' })
    expect(await tell()).toMatchObject({
      message: expect.stringContaining('of its own') as string,
      error: { retryable: true },
    })
    expect(receiver.requests).toBe(2)
  })

  it('shows nothing of the address in an error', async () => {
    receiver.answer({ status: 404, body: `no_service ${new URL(receiver.url).pathname}` })
    const { message } = await tell()
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
