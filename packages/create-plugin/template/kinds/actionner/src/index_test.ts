import { checkPlugin, run } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import { actionner } from './actionner.ts'
import plugin from './index.ts'
import { startServer } from './server.fixture.ts'
import { service } from './service.ts'

checkPlugin(plugin)

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const open = async (url: string) => ({ service: await service.open({ url, token: 's3cret' }, { log: silent }) })

describe('__NAME__', () => {
  it('asks the service, with the values of the event', async () => {
    const { url, received } = await startServer()
    const outcome = await run(actionner, { reason: '${RULE}' }, { clients: await open(url) })
    expect(outcome).toMatchObject({ status: 'success', objects: { pod: 'web-0', namespace: 'default' } })
    expect(received).toMatchObject([
      { method: 'POST', path: '/hook/quarantine', headers: { authorization: 'Bearer s3cret' } },
    ])
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      pod: 'web-0',
      namespace: 'default',
      reason: 'Terminal shell in container',
    })
  })

  it('asks nobody in a dry run', async () => {
    const { url, received } = await startServer()
    expect(await run(actionner, {}, { clients: await open(url), dryRun: true })).toMatchObject({ status: 'success' })
    expect(received).toEqual([])
  })

  it('leaves it to the engine to try again, and shows no secret', async () => {
    const { url } = await startServer({ status: 503, headers: { 'retry-after': '2' } })
    const outcome = await run(actionner, {}, { clients: await open(url) })
    expect(outcome).toMatchObject({ status: 'failure', error: { retryable: true, retryAfter: 2000 } })
    expect(JSON.stringify(outcome)).not.toContain('s3cret')
  })
})
