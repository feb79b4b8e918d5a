import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canStartGcs, startGcs } from '../../../packages/client-gcp/testing/gcs.ts'
import { startGoogle } from '../../../packages/client-gcp/testing/google.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startReceiver } from './receiver.ts'
import { startServer, type Server } from './server.ts'

const rule = (name: string, bucket: string) => `
- rule: ${name}
  match: { rules: [${name}] }
  actions:
    - action: Keep the logs
      actionner: kubernetes:log
      output: { target: "gcp:gcs", parameters: { bucket: ${bucket}, prefix: "talon/\${K8S_NS_NAME}" } }
`
const RULES = rule('Keep', 'evidence') + rule('Lose', 'nobody')

/** Stands before the emulator, as the door that checks tokens does before Cloud Storage, and can stop an upload half way. */
async function startDoor(target: { url: string }, isKnown: (authorization: string) => boolean) {
  const refused: string[] = []
  let onUpload: (() => void) | undefined
  const server = createServer((request, response) => {
    const { authorization = '' } = request.headers
    // A session's address is its own authorisation; all else needs a token.
    if (request.url?.includes('upload_id=') || isKnown(authorization)) return pass(request, response)
    refused.push(request.url ?? '')
    return void response.writeHead(401).end('{"error":{"code":401,"message":"Invalid Credentials"}}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }

  function pass(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'PUT' && onUpload) {
      onUpload()
      onUpload = undefined
      return // the upload hangs, as far as it came
    }
    const { method, url = '', headers } = request
    const onward = ask(target.url + url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  }
  return {
    url: `http://127.0.0.1:${port}`,
    refused,
    /** Lets the next upload hang, and resolves once it does. */
    hold: () => new Promise<void>((resolve) => (onUpload = resolve)),
    /** Cuts all connections. */
    cut: () => server.closeAllConnections(),
    close: () => void server.close(),
  }
}

const isThere = await canStartGcs('artifacts in Cloud Storage, end to end')
describe.runIf(isThere)('an artifact in Cloud Storage', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-gcs-'))
  let cluster: Cluster
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let google: Awaited<ReturnType<typeof startGoogle>>
  let gcs: Awaited<ReturnType<typeof startGcs>>
  let door: Awaited<ReturnType<typeof startDoor>>
  let server: Server
  let namespace: string

  const start = () =>
    startServer({
      kubeconfig: cluster.kubeconfig,
      rules: RULES,
      config: `default_notifiers: [webhook]
notifiers: { webhook: { url: "${receiver.url}" } }
journal: { path: "${join(folder, 'journal')}" }
gcp: { credentials_path: "${google.writeCredentials(join(folder, 'key.json'))}", storage_endpoint: "${door.url}" }
`,
    })
  beforeAll(async () => {
    cluster = await openCluster()
    namespace = await cluster.newNamespace()
    await cluster.runPod(namespace, 'web-0')
    receiver = await startReceiver()
    google = await startGoogle()
    gcs = await startGcs({ folder: join(folder, 'objects') })
    await gcs.createBucket('evidence')
    door = await startDoor(gcs, google.knows)
    server = await start()
  }, 600_000)
  afterAll(async () => {
    await server.stop()
    door.cut()
    door.close()
    await gcs.close()
    await google.close()
    await receiver.close()
    await cluster.close()
    rmSync(folder, { recursive: true })
  }, 240_000)

  const post = async (name: string, mark: string) => {
    const event = falcoEvent(name, { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web-0', mark })
    expect((await server.post(event)).status).toBe(202)
  }
  const told = (mark: string) =>
    until(
      () =>
        receiver.received.find(
          ({ falco, output_target, status }) =>
            falco.output_fields['mark'] === mark && (output_target === 'gcp:gcs' || status === 'failure'),
        ),
      `${mark} is told`,
    )
  /** What lies there, read by HTTP alone, is what was told of, and knows what it is. */
  const isKept = async ({ objects }: Awaited<ReturnType<typeof told>>) => {
    const { key = '', location, size, sha256 } = objects
    const found = await gcs.read('evidence', key)
    expect(location).toBe(`gs://evidence/${key}`)
    expect(key).toMatch(new RegExp(`^talon/${namespace}/[^/]+_${namespace}_web-0_[^/]+$`))
    expect([String(found.size), found.sha256]).toEqual([size, sha256])
    expect(found.metadata).toMatchObject({
      namespace,
      pod: 'web-0',
      'falco-rule': 'Keep',
      actionner: 'kubernetes:log',
      sha256,
    })
    const content = await fetch(`${gcs.url}/storage/v1/b/evidence/o/${encodeURIComponent(key)}?alt=media`)
    const text = await content.text()
    expect(text).toContain('hello from web-0')
    expect(createHash('sha256').update(text).digest('hex')).toBe(sha256)
  }

  it('is what was collected, with its facts, stored with a token that Google gave', async () => {
    await post('Keep', 'first')
    const report = await told('first')
    expect([report.status, report.error]).toEqual(['success', undefined])
    await isKept(report)
    expect(door.refused).toEqual([])
  })

  it('is not to be had where there is no such bucket, and that is told', async () => {
    await post('Lose', 'lost')
    const { status, error } = await told('lost')
    expect([status, error]).toEqual(['failure', expect.stringContaining('there is no bucket nobody')])
  })

  it('gets there where the storage dies in the middle and comes back', async () => {
    const before = await gcs.list('evidence')
    const held = door.hold()
    await post('Keep', 'storage dies')
    await held
    await gcs.close()
    door.cut()
    gcs = await startGcs({ folder: join(folder, 'objects'), port: gcs.port })
    const report = await told('storage dies')
    expect([report.status, report.error]).toEqual(['success', undefined])
    await isKept(report)
    expect(await gcs.list('evidence')).toHaveLength(before.length + 1)
  })

  it('gets there where Talon is killed in the middle and started again', async () => {
    const before = await gcs.list('evidence')
    const held = door.hold()
    await post('Keep', 'Talon dies')
    await held
    server.process.kill('SIGKILL')
    await once(server.process, 'exit')
    expect(await gcs.list('evidence')).toEqual(before)
    server = await start()
    const report = await told('Talon dies')
    expect([report.status, report.error]).toEqual(['success', undefined])
    await isKept(report)
    expect(await gcs.list('evidence')).toHaveLength(before.length + 1)
  })
})
