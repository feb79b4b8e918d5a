import { execFile } from 'node:child_process'
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pod, startSandbox } from '@talon/sandbox'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startServer, talon } from '../../../apps/cli/src/talon.fixture.ts'
import { KINDS } from './choice.ts'
import { startRegistry, type Registry } from './registry.fixture.ts'

const EXAMPLE = join(import.meta.dirname, '../../../examples/plugin-example')
const patience = { timeout: 20_000 }

let registry: Registry
beforeAll(async () => {
  registry = await startRegistry(['packages/plugin', 'packages/core', 'packages/testing', 'packages/create-plugin'])
}, 120_000)
afterAll(() => registry.close())

/** Runs npm as users do. Not at once and in place: the registry lives in this process. */
const npm = (args: readonly string[], cwd: string) =>
  promisify(execFile)('npm', args, { cwd, env: registry.env }).then(
    ({ stdout }) => stdout,
    ({ message, stdout }: { message: string; stdout: string }) => Promise.reject(new Error(message + stdout)),
  )

/** The service that the plugins speak to: keeps what it gets, and knows who owns pods. */
async function startService() {
  const received: object[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const { method, url: path, headers } = request
    received.push({ method, path, token: headers.authorization, body })
    response.end('{"team":"payments"}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, received }
}

/** What reaches the service once the example's rule has run, and what is executed in the pod. */
const TOLD: Readonly<Record<(typeof KINDS)[number] | 'example', { service: object; executed?: unknown }>> = {
  actionner: {
    service: { method: 'POST', path: '/quarantine', token: 'Bearer s3cret', body: expect.stringContaining('"web-0"') },
  },
  output: { service: { method: 'PUT', path: expect.stringMatching(/^\/talon\/default\/.*web-0/), body: 'a line\n' } },
  notifier: { service: { method: 'POST', path: '/', body: expect.stringContaining('Label the pod: success') } },
  context: {
    service: { method: 'GET', path: '/owner?namespace=default&pod=web-0', token: 'Bearer s3cret' },
    executed: [expect.stringContaining('payments')],
  },
  example: { service: { method: 'POST', path: '/', body: expect.stringContaining('"title":"Label: success"') } },
}

/** Makes the plugin in a folder of its own. */
async function make(kind: (typeof KINDS)[number] | 'example', name: string): Promise<void> {
  const isSource = (path: string) => !/\/(node_modules|dist)$/.test(path)
  if (kind === 'example') cpSync(EXAMPLE, join(registry.folder, name), { recursive: true, filter: isSource })
  else await npm(['create', '@talon/plugin', name, '--', '--kind', kind], registry.folder)
}

describe.each([...KINDS, 'example'] as const)('a plugin outside of the workspace: %s', (kind) => {
  const name = `talon-plugin-acme-${kind}`
  const folder = () => join(registry.folder, name)

  it('installs, builds and passes its tests as it stands', { timeout: 300_000 }, async () => {
    await make(kind, name)
    await npm(['install'], folder())
    await npm(['run', 'build'], folder())
    expect(await npm(['test'], folder())).toMatch(/Tests.* \d+ passed/)
    const packed = JSON.parse(await npm(['pack', '--json', '--ignore-scripts'], folder())) as [
      { files: { path: string }[] },
    ]
    const paths = packed[0].files.map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['README.md', 'dist/index.js', 'dist/index.d.ts']))
    expect(paths.filter((path) => /test|fixture/.test(path))).toEqual([])
  })

  it('has an example that talon check finds nothing wrong with', () => {
    const args = ['check', '--strict', '-c', 'example/config.yaml', '-r', 'example/rules.yaml']
    const { status, stdout, stderr } = talon(args, { cwd: folder() })
    expect([status, stdout, stderr]).toEqual([0, expect.stringMatching(/^✓ 1 rule, nothing wrong/), ''])
  })

  it('is run by the server, with its settings and its secret', { timeout: 120_000 }, async () => {
    const executed: string[] = []
    const sandbox = await startSandbox({
      log: () => 'a line\n',
      exec: ({ stdin }) => {
        executed.push(stdin)
        return { exitCode: 0 }
      },
    })
    onTestFinished(() => sandbox.close())
    sandbox.seed(pod({ name: 'web-0' }))
    const { url, received } = await startService()
    const [config, secret] = [join(folder(), 'example/server.yaml'), join(folder(), 'secret')]
    writeFileSync(secret, 's3cret')
    const example = readFileSync(join(folder(), 'example/config.yaml'), 'utf8')
    const told = example.replace('http://127.0.0.1:8080/', url).replace('# token,', `token_file: ${secret} #`)
    writeFileSync(config, told)
    appendFileSync(config, `kubeconfig: ${sandbox.writeKubeconfig(join(folder(), 'kubeconfig'))}\n`)
    const server = await startServer(['-c', config, '-r', join(folder(), 'example/rules.yaml')], folder())
    onTestFinished(async () => void (await server.stop('SIGKILL')))
    const answer = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        rule: 'Terminal shell in container',
        priority: 'Notice',
        output_fields: { 'k8s.ns.name': 'default', 'k8s.pod.name': 'web-0' },
      }),
    })
    expect(answer.status).toBe(202)
    await vi.waitFor(() => expect(received).toEqual([expect.objectContaining(TOLD[kind].service)]), patience)
    await vi.waitFor(() => expect(executed).toEqual(TOLD[kind].executed ?? []), patience)
    expect(await server.stop()).toBe(0)
    expect(server.output()).not.toMatch(/s3cret|my-secret-topic/)
  })
})

it('a plugin is not made over what lies there already', async () => {
  await expect(npm(['create', '@talon/plugin', '.'], registry.folder)).rejects.toThrow('is not empty')
})
