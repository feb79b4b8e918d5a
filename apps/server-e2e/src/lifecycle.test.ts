import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCluster, real, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { freePort, startServer, TALON } from './server.ts'

const label = (name: string) => `
- rule: ${name}
  match: { rules: [Shell] }
  actions: [{ action: Label it, actionner: "kubernetes:label", parameters: { labels: { by: ${name} } } }]
`

let cluster: Cluster
let namespace: string
beforeAll(async () => {
  cluster = await openCluster()
  namespace = await cluster.newNamespace()
}, 240_000)
afterAll(() => cluster.close(), 60_000)

const labelled = (pod: string, value: string) =>
  until(async () => {
    const { metadata } = await cluster.core.readNamespacedPod({ namespace, name: pod })
    return metadata?.labels?.['by'] === value || undefined
  }, `${pod} is labelled by ${value}`)
const shellIn = (pod: string, more: object = {}) =>
  falcoEvent('Shell', { 'k8s.ns.name': namespace, 'k8s.pod.name': pod, ...more })

// The sandbox knows no Events of the core group.
describe.runIf(real)('a reload', { timeout: 240_000 }, () => {
  it('is told as an Event of the pod that the server runs in', async () => {
    const pod = await cluster.runPod(namespace, 'talon-0')
    const env = { POD_NAME: 'talon-0', POD_NAMESPACE: namespace, POD_UID: pod.metadata?.uid ?? '' }
    const server = await startServer({ kubeconfig: cluster.kubeconfig, rules: label('first'), env })
    const rules = join(server.folder, 'rules.yaml')
    const told = (reason: string) =>
      until(async () => {
        const fieldSelector = `involvedObject.uid=${env.POD_UID}`
        const { items } = await cluster.core.listNamespacedEvent({ namespace, fieldSelector })
        return items.find((event) => event.reason === reason)
      }, `${reason} is told`)
    writeFileSync(rules, label('second'))
    expect(await told('RulesReloaded')).toMatchObject({ type: 'Normal', message: 'rules that are loaded: 1' })
    writeFileSync(rules, label('third').replace('kubernetes:label', 'kubernetes:lable'))
    expect(await told('RulesRefused')).toMatchObject({
      type: 'Warning',
      message: expect.stringContaining('kubernetes:lable'),
    })
    expect(await server.stop()).toBe(0)
  })
})

describe('a cluster that is away at the start', { timeout: 240_000 }, () => {
  it('is said by /readyz; events are taken, wait, and are acted on once it is there', async () => {
    await cluster.runPod(namespace, 'patient')
    const port = await freePort()
    const text = readFileSync(cluster.kubeconfig, 'utf8')
    const [written = '', scheme, host = '', at] = /(https?):\/\/(127\.0\.0\.1):(\d+)/.exec(text) ?? []
    const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-'))
    writeFileSync(join(folder, 'kubeconfig'), text.replaceAll(written, `${scheme}://${host}:${port}`))
    const server = await startServer({ kubeconfig: join(folder, 'kubeconfig'), rules: label('late'), wait: false })
    await until(
      () =>
        fetch(`${server.url}/healthz`).then(
          ({ ok }) => ok || undefined,
          () => undefined,
        ),
      'the server lives',
    )
    const readiness = await fetch(`${server.url}/readyz`)
    expect([readiness.status, await readiness.json()]).toEqual([
      503,
      expect.objectContaining({ problems: [expect.stringMatching(/^kubernetes: /)] }),
    ])
    expect((await server.post(shellIn('patient'))).status).toBe(202)

    const relay = createServer((socket) => {
      const upstream = connect(Number(at), host)
      socket.pipe(upstream).pipe(socket)
      for (const side of [socket, upstream]) side.on('error', () => socket.destroy())
    }).listen(port, '127.0.0.1')
    await once(relay, 'listening')
    await labelled('patient', 'late')
    await until(async () => (await fetch(`${server.url}/readyz`)).ok || undefined, 'it is ready')
    expect(await server.stop()).toBe(0)
    relay.close()
    rmSync(folder, { recursive: true })
  })
})

describe('rules that change while the server runs', { timeout: 240_000 }, () => {
  it('are taken when they are right, and keep the old ones when they are wrong', async () => {
    const server = await startServer({ kubeconfig: cluster.kubeconfig, rules: label('first') })
    const file = join(server.folder, 'rules.yaml')
    // As editors and kubectl do it: written beside, and renamed.
    const replace = (text: string) => {
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    }
    await cluster.runPod(namespace, 'reloaded')
    await server.post(shellIn('reloaded'))
    await labelled('reloaded', 'first')

    replace(label('second'))
    await until(() => server.output().includes('the rules were reloaded') || undefined, 'the rules were reloaded')
    await server.post(shellIn('reloaded', { n: 2 }))
    await labelled('reloaded', 'second')

    replace(label('third').replace('kubernetes:label', 'kubernetes:lable'))
    await until(
      () => server.output().includes("unknown actionner 'kubernetes:lable'") || undefined,
      'the mistake is told',
    )
    await cluster.runPod(namespace, 'after')
    await server.post(shellIn('after'))
    await labelled('after', 'second')
    expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(
      /^rules_reload_total\{.*result="failure".*\} 1$/m,
    )
    expect(await server.stop()).toBe(0)
  })
})

it('a server that cannot start with what it was given says all that is wrong, and exits with 2', () => {
  const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-'))
  writeFileSync(join(folder, 'config.yaml'), 'listen_port: many\n')
  writeFileSync(
    join(folder, 'rules.yaml'),
    label('a').replace('kubernetes:label', 'nobody:knows') + label('b').replace('[Shell]', '{ a: 1 }'),
  )
  const args = [TALON, 'server', '-c', join(folder, 'config.yaml'), '-r', join(folder, 'rules.yaml')]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(status).toBe(2)
  for (const issue of [
    /config\.yaml:1:14: error: listen_port/,
    /rules\.yaml:4:.*unknown actionner 'nobody:knows'/,
    /rules\.yaml:7:.*match\.rules/,
  ])
    expect(stdout + stderr).toMatch(issue)
  rmSync(folder, { recursive: true })
})
