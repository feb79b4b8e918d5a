import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { missing, openContainer, USER, type Container } from '../../../tools/image/container.ts'
import { buildFolder } from '../../../tools/image/folder.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { freePort } from './server.ts'

if (missing) console.warn(`not run, the image's folder as a container: it takes ${missing}`)

/** A plugin of somebody else, copied without what it imports: it waits for a file before it writes another. */
const PLUGIN = `
import { existsSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineActionner, definePlugin, done, namespace, podName } from '@talon/plugin'
import { z } from 'zod'

const sign = defineActionner({
  name: 'guest:sign',
  summary: 'Sign the book once there is a pen',
  needs: { pod: podName, namespace },
  effect: 'observe',
  repeatable: true,
  parameters: z.object({ book: z.string().describe('File to sign'), pen: z.string().describe('File to wait for') }),
  examples: [],
  async run({ fields: { pod, namespace }, parameters: { book, pen }, signal }) {
    while (!existsSync(pen)) await sleep(50, undefined, { signal })
    await appendFile(book, \`\${namespace}/\${pod} as \${process.getuid()}\\n\`)
    return done('signed')
  },
})
export default definePlugin({ name: 'talon-plugin-guest', provides: [sign] })
`

const RULES = `
- rule: Evidence
  match: { rules: [Shell] }
  actions:
    - action: Label it
      actionner: kubernetes:label
      parameters: { labels: { suspicious: "true" } }
    - action: Keep the logs
      actionner: kubernetes:log
      output: { target: "local:file", parameters: { destination: /var/lib/talon/artifacts } }
    - action: Sign
      actionner: guest:sign
      parameters: { book: /var/lib/talon/book, pen: /var/lib/talon/pen }
`

describe.skipIf(missing)("the image's folder, read-only and without root", { timeout: 240_000 }, () => {
  let cluster: Cluster
  let folder: string
  let state: string
  let url: string
  let container: Container
  let server: ReturnType<Container['start']>
  let output = ''

  async function start(): Promise<void> {
    server = container.start(['server'])
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await until(async () => {
      if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}:\n${output}`)
      const answer = await fetch(`${url}/readyz`).catch(() => undefined)
      return answer?.ok || undefined
    }, `the server is ready:\n${output}`)
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const gone = once(server, 'exit')
    server.kill(signal)
    return ((await gone) as [number | null])[0]
  }

  async function talon(...args: string[]): Promise<{ status: number | null; told: string }> {
    const child = container.start(args)
    const exited = once(child, 'exit')
    const told = await Promise.all([text(child.stdout), text(child.stderr)])
    return { status: ((await exited) as [number | null])[0], told: told.join('') }
  }

  beforeAll(async () => {
    cluster = await openCluster()
    folder = mkdtempSync(join(tmpdir(), 'talon-image-'))
    chmodSync(folder, 0o755)
    const [root, config, plugins] = ['root', 'config', 'plugins/node_modules/talon-plugin-guest'].map((name) =>
      join(folder, name),
    ) as [string, string, string]
    state = join(folder, 'state')
    for (const path of [config, plugins, state]) mkdirSync(path, { recursive: true })
    chownSync(state, USER, USER)
    await buildFolder(root)
    writeFileSync(
      join(plugins, 'package.json'),
      '{ "name": "talon-plugin-guest", "type": "module", "exports": "./index.js" }',
    )
    writeFileSync(join(plugins, 'index.js'), PLUGIN)
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    writeFileSync(join(config, 'kubeconfig'), readFileSync(cluster.kubeconfig))
    writeFileSync(join(config, 'rules.yaml'), RULES)
    writeFileSync(
      join(config, 'config.yaml'),
      `listen_address: 127.0.0.1\nlisten_port: ${port}\nkubeconfig: /etc/falco-talon/kubeconfig\njournal: { path: /var/lib/talon }\nplugins: [talon-plugin-guest]\nlog_format: json\n`,
    )
    container = openContainer(root, [
      { from: config, to: '/etc/falco-talon' },
      { from: join(folder, 'plugins'), to: '/plugins' },
      { from: state, to: '/var/lib/talon', writable: true },
    ])
  }, 240_000)
  afterAll(async () => {
    server?.kill('SIGKILL')
    await cluster.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('goes on where a kill cut it short, with a plugin that finds the contract in the image', async () => {
    await start()
    expect(readFileSync(`/proc/${server.pid}/status`, 'utf8')).toMatch(new RegExp(`^Uid:\\s+${USER}\\s+${USER}`, 'm'))
    const namespace = await cluster.newNamespace()
    await cluster.runPod(namespace, 'web-0')
    const event = falcoEvent('Shell', { 'k8s.ns.name': namespace, 'k8s.pod.name': 'web-0' })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) })
    expect(answer.status).toBe(202)
    const [artifact = ''] = await until(() => {
      const files = existsSync(join(state, 'artifacts')) ? readdirSync(join(state, 'artifacts')) : []
      return files.some((name) => name.includes('web-0')) ? files.filter((name) => name.includes('web-0')) : undefined
    }, 'the logs are stored')
    expect(readFileSync(join(state, 'artifacts', artifact), 'utf8')).toContain('hello from web-0')
    expect(existsSync(join(state, 'book'))).toBe(false)

    await end('SIGKILL')
    writeFileSync(join(state, 'pen'), '')
    await start()
    const signed = await until(
      () => (existsSync(join(state, 'book')) ? readFileSync(join(state, 'book'), 'utf8') : undefined),
      'the guest has signed',
    )
    expect(signed).toBe(`${namespace}/web-0 as ${USER}\n`)
    const { metadata } = await cluster.core.readNamespacedPod({ namespace, name: 'web-0' })
    expect(metadata?.labels).toMatchObject({ suspicious: 'true' })
    expect(readdirSync(state)).toContain('journal.db')
    await until(
      async () =>
        /^action_total\{[^}]*actionner="guest:sign"[^}]*status="success"/m.test(
          await (await fetch(`${url}/metrics`)).text(),
        ) || undefined,
      'the metrics count it',
    )
  })

  it('is healthy as long as it runs, and ends at SIGTERM as asked', async () => {
    expect(await talon('health')).toEqual({ status: 0, told: '' })
    expect(await end('SIGTERM')).toBe(0)
    expect(await talon('health')).toMatchObject({ status: 1, told: expect.stringContaining('no server answers') })
  })

  it('has the other commands too, and what they read', async () => {
    expect((await talon('check')).told).toMatch(/^✓ 1 rule, nothing wrong/)
    expect((await talon('init', '/var/lib/talon/new')).told).toContain('wrote /var/lib/talon/new/rules.yaml')
    expect((await talon('version')).told).toMatch(/^talon \d/)
  })

  it('lets nobody write elsewhere', async () => {
    const { status, told } = await talon('init', '/talon')
    expect(status).not.toBe(0)
    expect(told).toContain('EROFS')
  })
})
