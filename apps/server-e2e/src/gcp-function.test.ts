import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGoogle } from '../../../packages/client-gcp/testing/google.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startReceiver } from './receiver.ts'
import { startServer, type Server } from './server.ts'

const rule = (name: string, called: string, more = '') => `
- rule: ${name}
  match: { rules: [${name}] }
  ${more}
  actions:
    - action: Call it
      actionner: gcp:function
      parameters: { gcp_function_name: ${called}, gcp_function_location: us-central1 }
`
const RULES = rule('Call', 'isolate') + rule('Call nobody', 'nobody') + rule('Rehearse', 'isolate', 'dry_run: true')

describe('a function of Google Cloud (a mock that checks tokens)', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-gcp-'))
  let cluster: Cluster
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let google: Awaited<ReturnType<typeof startGoogle>>
  let server: Server
  beforeAll(async () => {
    cluster = await openCluster()
    receiver = await startReceiver()
    google = await startGoogle()
    const key = google.writeCredentials(join(folder, 'key.json'))
    server = await startServer({
      kubeconfig: cluster.kubeconfig,
      rules: RULES,
      config: `default_notifiers: [webhook]
notifiers: { webhook: { url: "${receiver.url}" } }
gcp: { credentials_path: "${key}", functions_endpoint: "${google.url}" }
`,
    })
  }, 240_000)
  afterAll(async () => {
    await server.stop()
    await google.close()
    await receiver.close()
    await cluster.close()
    rmSync(folder, { recursive: true })
  }, 60_000)

  const respond = async (name: string) => {
    const body = JSON.stringify(falcoEvent(name, { 'evt.rawtime': 0 }))
    const answer = await server.post(body.replace('"evt.rawtime":0', '"evt.rawtime":1795521584834631763'))
    expect(answer.status).toBe(202)
    return until(() => receiver.received.find(({ rule }) => rule === name), `${name} is told`)
  }
  const called = () => google.asked.filter(({ path }) => path.startsWith('/run/'))

  it('gets the event, digits and context and all, and its answer is told', async () => {
    const { status, output, objects, error } = await respond('Call')
    expect([status, error]).toEqual(['success', undefined])
    expect(output).toMatch(/^did \d+$/)
    expect(objects).toMatchObject({ function: 'isolate', location: 'us-central1', status: '200' })
    const body = called()[0]?.body ?? ''
    expect(body).toContain('"evt.rawtime":1795521584834631763')
    expect(JSON.parse(body)).toMatchObject({ rule: 'Call', context: { 'falco-talon.rule': 'Call' } })
  })

  it('is told to be missing where it is', async () => {
    const { status, error } = await respond('Call nobody')
    expect([status, error]).toEqual(['failure', expect.stringContaining('check gcp_function_name')])
  })

  it('is only looked for in a dry run', async () => {
    const before = called().length
    const { status, message } = await respond('Rehearse')
    expect([status, message]).toEqual(['success', expect.any(String)])
    expect(called()).toHaveLength(before)
  })
})
