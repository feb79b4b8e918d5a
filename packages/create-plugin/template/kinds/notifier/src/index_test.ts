import { checkPlugin, report, runNotifier } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import plugin from './index.ts'
import { notifier } from './notifier.ts'
import { startServer } from './server.fixture.ts'

checkPlugin(plugin)

describe('__NAME__', () => {
  it('tells a result', async () => {
    const { url, received } = await startServer()
    const reports = [report({ id: 'r1', status: 'failure', message: 'no such pod' })] as const
    const outcome = await runNotifier(notifier, { url, mention: '@duty' }, { clients: {}, reports })
    expect(outcome).toMatchObject({ status: 'success' })
    expect(received.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /hook'])
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      id: 'r1',
      text: '@duty Suspicious shell: Label the pod: failure: no such pod',
      objects: { pod: 'web-0', namespace: 'default' },
    })
  })

  it('leaves it to the engine to try again, and shows no secret', async () => {
    const { url } = await startServer({ status: 429, headers: { 'retry-after': '2' } })
    const outcome = await runNotifier(notifier, { url }, { clients: {} })
    expect(outcome).toMatchObject({ status: 'failure', error: { retryable: true, retryAfter: 2000 } })
    expect(JSON.stringify(outcome)).not.toContain('/hook')
  })
})
