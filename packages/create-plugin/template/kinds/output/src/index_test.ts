import { checkPlugin, runOutput, storedArtifact } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import plugin from './index.ts'
import { output } from './output.ts'
import { startServer } from './server.fixture.ts'
import { service } from './service.ts'

checkPlugin(plugin)

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const open = async (url: string) => ({ service: await service.open({ url, token: 's3cret' }, { log: silent }) })

describe('__NAME__', () => {
  it('sends the artifact to a path of its own, with its SHA-256', async () => {
    const { url, received } = await startServer()
    const artifact = await storedArtifact('logs of the pod')
    const given = { clients: await open(url), artifact, key: 'a b.log' }
    const outcome = await runOutput(output, { prefix: 'talon/${K8S_NS_NAME}' }, given)
    expect(outcome).toMatchObject({ status: 'success', objects: { destination: 'talon/default/a b.log' } })
    expect(received).toMatchObject([{ method: 'PUT', path: '/hook/talon/default/a%20b.log', body: 'logs of the pod' }])
    expect(received[0]?.headers).toMatchObject({ 'x-sha256': artifact.sha256, authorization: 'Bearer s3cret' })
  })

  it('leaves it to the engine to try again, and shows no secret', async () => {
    const { url } = await startServer({ status: 503 })
    const outcome = await runOutput(output, {}, { clients: await open(url), artifact: await storedArtifact('x') })
    expect(outcome).toMatchObject({ status: 'failure', error: { retryable: true } })
    expect(JSON.stringify(outcome)).not.toContain('s3cret')
  })
})
