import { setTimeout as sleep } from 'node:timers/promises'
import { writeFileSync } from 'node:fs'
import { pod, type ExecCall, type Sandbox } from '@talon/sandbox'
import type { Logger } from '@talon/plugin'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStand, type Stand } from '../testing/stand.ts'
import type { Kubernetes } from './api.ts'
import { isNotFound, kubernetes, pods } from './index.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const never = new AbortController().signal
const web = { ...pods, namespace: 'default', name: 'web-0' }

let stand: Stand
let sandbox: Sandbox
let client: Kubernetes
let asked: ExecCall[]
let allowed = true

beforeEach(async () => {
  asked = []
  allowed = true
  stand = await openStand({
    log: () => 'one\ntwo\nthree\n',
    allows: () => allowed,
    exec: (call) => {
      asked.push(call)
      if (call.command[0] === 'wait') return new Promise(() => {})
      if (call.command[0] === 'missing') return { error: 'exec: "missing": executable file not found in $PATH' }
      return { stdout: call.command[0] === 'big' ? 'x'.repeat(3_000_000) : 'out', stderr: 'err', exitCode: 3 }
    },
  })
  ;({ sandbox, client } = stand)
  sandbox.seed(pod({ name: 'web-0', labels: { app: 'web' } }))
})
afterEach(() => stand.close())

async function textOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
const thrown = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('objects', () => {
  it('are read, listed over several pages, changed and deleted', async () => {
    expect((await client.get(web, never)).spec?.nodeName).toBe('node-1')
    expect(
      await client.list({ ...pods, namespace: 'default' }, { labelSelector: 'app=web', signal: never }),
    ).toHaveLength(1)
    const { metadata } = await client.merge(web, { metadata: { labels: { app: null, x: 'y' } } }, { signal: never })
    expect(metadata?.labels).toEqual({ x: 'y' })
    await client.remove(web, { gracePeriod: 0, signal: never })
    expect(isNotFound(await thrown(client.get(web, never)))).toBe(true)
  })

  it('are left alone where another one bears the name', async () => {
    await expect(client.remove(web, { uid: 'other', signal: never })).rejects.toThrow('UID in the precondition')
    await expect(
      client.merge(web, { metadata: { uid: 'other', labels: { x: 'y' } } }, { signal: never }),
    ).rejects.toMatchObject({ kind: 'action' })
    expect((await client.get(web, never)).metadata?.labels).toEqual({ app: 'web' })
  })

  it('stay as they are in a dry run, which asks for permission first', async () => {
    const changed = await client.merge(web, { metadata: { labels: { x: 'y' } } }, { signal: never, dryRun: true })
    expect(changed.metadata?.labels).toEqual({ app: 'web', x: 'y' })
    await client.remove(web, { signal: never, dryRun: true })
    expect((await client.get(web, never)).metadata?.labels).toEqual({ app: 'web' })
    allowed = false
    await expect(client.remove(web, { signal: never, dryRun: true })).rejects.toThrow(
      "Talon may not delete pods 'web-0' in namespace 'default'; `talon rbac -r <rules file>` prints the role",
    )
  })

  it('keep what a hostile name means inside of one path segment', async () => {
    await thrown(client.get({ ...web, name: '../../nodes/node-1?x#y' }, never))
    expect(sandbox.requests.at(-1)?.path).toBe('/api/v1/namespaces/default/pods/..%2F..%2Fnodes%2Fnode-1%3Fx%23y')
    await expect(client.get({ ...web, name: '..' }, never)).rejects.toThrow('names no object')
  })
})

describe('refusals', () => {
  it('of a role name verb, resource and namespace, and the way out', async () => {
    const message =
      'pods "web-0" is forbidden: User "talon" cannot delete resource "pods" in API group "" in the namespace "default"'
    sandbox.fail({ method: 'DELETE', path: /web-0/, status: 403, message })
    expect(await thrown(client.remove(web, { signal: never }))).toMatchObject({
      kind: 'action',
      retryable: false,
      message: `Talon may not delete pods 'web-0' in namespace 'default': ${message}; \`talon rbac -r <rules file>\` prints the role that the rules need`,
    })
  })

  it('of admission are no matter of roles', async () => {
    sandbox.fail({ method: 'PATCH', path: /web-0/, status: 403, message: 'violates PodSecurity "restricted:latest"' })
    const error = await thrown(client.merge(web, {}, { signal: never }))
    expect(String(error)).toContain('violates PodSecurity')
    expect(String(error)).not.toContain('talon rbac')
  })

  it.each([
    [429, true],
    [500, true],
    [503, true],
    [400, false],
    [409, false],
  ])('with %i are worth another try: %s', async (status, retryable) => {
    sandbox.fail({ path: /web-0/, status, retryAfter: 7 })
    expect(await thrown(client.get(web, never))).toMatchObject({ kind: 'action', retryable, retryAfter: 7000 })
  })

  it('are told apart from a cluster that is away, which may be back in a moment', async () => {
    await sandbox.close()
    expect(await thrown(client.get(web, never))).toMatchObject({
      kind: 'action',
      retryable: true,
      message: expect.stringContaining(
        `${sandbox.url} cannot be reached (get pods 'web-0' in namespace 'default')`,
      ) as string,
    })
    await expect(client.check(never)).rejects.toMatchObject({ kind: 'action' })
  })
})

describe('kinds', () => {
  it('are found by the plural name that the audit log writes, in their group or in any', async () => {
    expect(await client.resolve({ resource: 'pods/log', group: '' }, never)).toMatchObject([
      { group: '', version: 'v1', resource: 'pods', kind: 'Pod', namespaced: true },
    ])
    const roles = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles', namespaced: false }
    expect(await client.resolve({ resource: 'clusterroles' }, never)).toMatchObject([roles])
    expect(await client.resolve({ resource: 'clusterroles', group: roles.group }, never)).toMatchObject([roles])
  })

  it('that nobody serves are none', async () => {
    expect(await client.resolve({ resource: 'pods', group: 'apps' }, never)).toEqual([])
    expect(await client.resolve({ resource: 'pods', group: 'no.such' }, never)).toEqual([])
    expect(await client.resolve({ resource: 'pods', group: '', version: 'v9' }, never)).toEqual([])
  })

  it.each(['..', '.', 'a/../..', '%2e%2e'])(
    'are none of the group %j, and nothing outside /apis is asked for',
    async (group) => {
      expect(await client.resolve({ resource: 'pods', group }, never)).toEqual([])
      expect(sandbox.requests.filter(({ path }) => !/^\/apis\/[^/]+$/.test(path))).toEqual([])
    },
  )
})

describe('logs', () => {
  it('are streamed, and end when the run ends', async () => {
    const { namespace, name } = web
    expect(
      await textOf(await client.log({ namespace, name }, { container: 'main', tailLines: 2, signal: never })),
    ).toBe('two\nthree\n')
    await expect(
      client.log({ namespace, name }, { container: 'main', signal: AbortSignal.abort(new Error('stopping')) }),
    ).rejects.toThrow('stopping')
    await expect(client.log({ namespace, name }, { container: 'nope', signal: never })).rejects.toThrow('nope')
  })
})

describe('commands', () => {
  const call = (...command: string[]) => ({
    namespace: 'default',
    pod: 'web-0',
    container: 'main',
    command,
    signal: never,
  })

  it('get their words and standard input whole, and give output, errors and exit status', async () => {
    const hostile = ['echo', `a'b"c $(id) \`id\`\n;&|`]
    const stdin = Buffer.from('é'.repeat(100_000))
    const { stdout, stderr, status } = await client.exec({ ...call(...hostile), stdin })
    expect([await textOf(stdout), await textOf(stderr), await status]).toEqual(['out', 'err', 3])
    expect(asked[0]).toMatchObject({ command: hostile, container: 'main', stdin: stdin.toString() })
  })

  it('that cannot be started fail with the words of the runtime', async () => {
    const { status } = await client.exec(call('missing'))
    await expect(status).rejects.toThrow('executable file not found')
  })

  it('print as much as they like without filling memory', async () => {
    const { stdout, stderr, status } = await client.exec(call('big'))
    let size = 0
    for await (const chunk of stdout) size += chunk.byteLength
    expect([size, await textOf(stderr), await status]).toEqual([3_000_000, 'err', 3])
  })

  it('leave what they printed to who reads it late, after the connection is gone', async () => {
    const { stdout, stderr, status } = await client.exec(call('sh'))
    expect(await status).toBe(3)
    await sleep(100)
    expect([await textOf(stdout), await textOf(stderr)]).toEqual(['out', 'err'])
  })

  it('end with the run', async () => {
    const ending = new AbortController()
    const { stdout, status } = await client.exec({ ...call('wait'), signal: ending.signal })
    ending.abort(new Error('too long'))
    await expect(status).rejects.toThrow('too long')
    await expect(textOf(stdout)).rejects.toThrow('too long')
  })

  it('reach the pod that is meant, and no other of that name', async () => {
    const uid = (await client.get(web, never)).metadata?.uid ?? ''
    const { status } = await client.exec({ ...call('sh'), uid, stdin: Buffer.from('exit 3') })
    expect(await status).toBe(3)
    await expect(client.exec({ ...call('sh'), uid: 'other', stdin: Buffer.from('rm -r /') })).rejects.toThrow('UID in')
    await expect(client.exec({ ...call('rm', '-r', '/'), uid: 'other' })).rejects.toThrow('UID in')
    expect(asked.map(({ command, stdin }) => [...command, stdin])).not.toContainEqual(expect.arrayContaining(['rm']))
    expect(asked.map(({ stdin }) => stdin)).not.toContain('rm -r /')
  })

  it('are refused as everything else is', async () => {
    await expect(client.exec({ ...call('x'), pod: 'gone' })).rejects.toThrow(
      "pods/exec 'gone' in namespace 'default' is not there",
    )
    await expect(client.exec({ ...call('x'), container: 'nope' })).rejects.toThrow('container nope is not valid')
    await sandbox.close()
    await expect(client.exec(call('x'))).rejects.toMatchObject({ kind: 'action', retryable: true })
  })
})

describe('opening', () => {
  it('sends nothing, so that a cluster may be away', async () => {
    expect(sandbox.requests).toEqual([])
  })

  it('says what is wrong with a kubeconfig', async () => {
    const opening = async (kubeconfig: string) => kubernetes.open({ kubeconfig }, { log })
    await expect(opening('/nowhere')).rejects.toMatchObject({ kind: 'config' })
    writeFileSync(stand.kubeconfig, '{}')
    await expect(opening(stand.kubeconfig)).rejects.toThrow('current-context')
  })
})
