import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { askedWith, openStand, type Stand } from '../testing/stand.ts'
import type { AwsConfiguration } from './index.ts'

let stand: Stand
beforeEach(async () => {
  stand = await openStand()
})

describe('clients of the SDK', () => {
  it('are loaded when they are asked for, kept for each region, and closed with the client', async () => {
    const client = await stand.open(stand.keys)
    const loaded: string[] = []
    const destroyed: string[] = []
    class Service {
      readonly configuration: AwsConfiguration
      constructor(configuration: AwsConfiguration) {
        this.configuration = configuration
      }
      destroy() {
        destroyed.push(this.configuration.region ?? '')
      }
    }
    const service = (region?: string) => client.service('x', async () => (loaded.push('x'), Service), region)
    const [here, again, there] = await Promise.all([service(), service(), service('us-east-1')])
    expect(here).toBe(again)
    expect(here.configuration).toMatchObject({ region: stand.mock.region, maxAttempts: 1 })
    expect(there.configuration.region).toBe('us-east-1')
    expect(loaded).toHaveLength(2)
    await client.close()
    expect(destroyed).toEqual([stand.mock.region, 'us-east-1'])
  })

  it('have settings of their own beside the usual ones', async () => {
    const seen: AwsConfiguration[] = []
    class Service {
      constructor(configuration: AwsConfiguration) {
        seen.push(configuration)
      }
      destroy() {}
    }
    const more = { forcePathStyle: true, requestHandler: { socketTimeout: 7 } }
    await (await stand.open(stand.keys)).service('x', async () => Service, undefined, more)
    expect(seen).toMatchObject([
      { forcePathStyle: true, requestHandler: { socketTimeout: 7, connectionTimeout: 5000 } },
    ])
  })

  it('are asked for anew where they could not be loaded', async () => {
    const client = await stand.open(stand.keys)
    await expect(client.service('sts', () => Promise.reject(new Error('no module')))).rejects.toThrow('no module')
    expect(await askedWith(client)).toBe(stand.mock.accessKey)
  })

  it('go through the proxy of the environment', async () => {
    const seen: string[] = []
    const proxy = createServer().listen(0, '127.0.0.1')
    proxy.on('connect', ({ url }, socket) => {
      seen.push(url ?? '')
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    })
    await once(proxy, 'listening')
    onTestFinished(() => void proxy.close())
    vi.stubEnv('AWS_ENDPOINT_URL', undefined)
    vi.stubEnv('AWS_ENDPOINT_URL_STS', undefined)
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
    vi.stubEnv('NO_PROXY', '')
    await expect(askedWith(await stand.open(stand.keys))).rejects.toThrow(/403/)
    expect(seen).toEqual([`sts.${stand.mock.region}.amazonaws.com:443`])
  })
})
