import { checkPlugin, runContext } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import { context } from './context.ts'
import plugin from './index.ts'
import { startServer } from './server.fixture.ts'
import { service } from './service.ts'

checkPlugin(plugin)

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const open = async (url: string) => ({ service: await service.open({ url }, { log: silent }) })

describe('__NAME__', () => {
  it('tells who owns the pod, and all the facts that it promises', async () => {
    const { url, received } = await startServer({ body: '{"team":"payments"}' })
    const facts = await runContext(context, { clients: await open(url) })
    expect(facts).toEqual({ '__SECTION__.team': 'payments', '__SECTION__.contact': '' })
    expect(Object.keys(facts)).toEqual(Object.keys(context.gives))
    expect(received).toMatchObject([{ method: 'GET', path: '/hook/owner?namespace=default&pod=web-0' }])
  })

  it.each(['', '[]', '{"team":1}'])('fails where the service answers %j', async (body) => {
    const { url } = await startServer({ body })
    await expect(runContext(context, { clients: await open(url) })).rejects.toMatchObject({ kind: 'action' })
  })
})
