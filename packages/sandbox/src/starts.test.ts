import { once } from 'node:events'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { pod, startSandbox, type ContainerState, type ExecAnswer, type ExecCall, type Sandbox } from './index.ts'

let sandbox: Sandbox
let states: Record<string, ContainerState>
let script: (call: ExecCall) => ExecAnswer | Promise<ExecAnswer>

beforeEach(async () => {
  states = {}
  script = () => ({})
  sandbox = await startSandbox({
    endDelay: 0,
    log: () => 'logged\n',
    starts: ({ container }) => states[container],
    exec: (call) => script(call),
  })
  sandbox.seed(pod({ name: 'web-0' }))
})
afterEach(() => sandbox.close())

const PODS = '/api/v1/namespaces/default/pods'
const send = async (method: string, path: string, body?: object, type = 'application/json') => {
  const headers = { 'content-type': type }
  const response = await fetch(`${sandbox.url}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers }),
  })
  const text = await response.text()
  return { code: response.status, text, body: text.startsWith('{') ? (JSON.parse(text) as object) : undefined }
}
const container = (name: string) => ({ name, image: 'registry.test/none:1' })
const addContainer = (name: string) =>
  send(
    'PATCH',
    `${PODS}/web-0/ephemeralcontainers`,
    { spec: { ephemeralContainers: [container(name)] } },
    'application/strategic-merge-patch+json',
  )
const open = (query: string) => {
  const socket = new WebSocket(`${sandbox.url.replace('http', 'ws')}${PODS}/web-0/exec?${query}`, 'v5.channel.k8s.io')
  socket.on('error', () => {})
  return socket
}

it.each([
  ['ErrImagePull', "image can't be pulled"],
  ['ImagePullBackOff', 'trying and failing to pull image'],
  ['CreateContainerConfigError', 'CreateContainerConfigError'],
])('an ephemeral container that waits with %s has no log, and runs no command', async (reason, said) => {
  states['tool'] = { waiting: { reason, message: 'no such host' } }
  expect((await addContainer('tool')).body).toMatchObject({
    status: { ephemeralContainerStatuses: [{ name: 'tool', state: { waiting: { reason, message: 'no such host' } } }] },
  })
  expect((await send('GET', `${PODS}/web-0/log?container=tool`)).body).toMatchObject({
    code: 400,
    message: `container "tool" in pod "web-0" is waiting to start: ${said}`,
  })
  const [, response] = (await once(open('container=tool&command=ls&stdout=true'), 'unexpected-response')) as [
    unknown,
    { statusCode: number },
  ]
  expect(response.statusCode).toBe(500)
})

it('a pod is what its containers are', async () => {
  states = { ends: { terminated: { exitCode: 3 } }, waits: { waiting: { reason: 'ErrImagePull' } } }
  const phases: unknown[] = []
  for (const names of [['runs'], ['ends'], ['runs', 'ends'], ['runs', 'waits']]) {
    const name = names.join('-')
    const spec = { nodeName: 'node-1', containers: names.map(container) }
    await send('POST', PODS, { metadata: { name }, spec })
    phases.push(sandbox.find('pods', 'default', name)?.status?.['phase'])
  }
  expect(phases).toEqual(['Running', 'Failed', 'Running', 'Pending'])
})

it('a Job whose container cannot start is not done', async () => {
  states['a'] = { waiting: { reason: 'ErrImagePull' } }
  const jobs = '/apis/batch/v1/namespaces/default/jobs'
  const job = (name: string) => ({
    metadata: { name },
    spec: { template: { spec: { containers: [container(name)] } } },
  })
  await send('POST', jobs, job('a'))
  await send('POST', jobs, job('b'))
  while (!sandbox.find('jobs', 'default', 'b')?.status?.['conditions']) await new Promise((done) => setImmediate(done))
  expect(sandbox.find('jobs', 'default', 'a')?.status).toMatchObject({ active: 1 })
  expect(sandbox.find('jobs', 'default', 'a')?.status?.['conditions']).toBeUndefined()
})

it('output that comes in pieces waits for a client that does not read, and arrives whole', async () => {
  const [pieces, size] = [400, 100_000]
  const source = { made: 0 }
  async function* output() {
    for (; source.made < pieces; source.made++) yield Buffer.alloc(size, source.made % 256)
  }
  script = () => ({ stdout: output() })
  const socket = open('container=main&command=cat&stdout=true')
  let read = 0
  socket.on('message', (data: Buffer) => {
    if (data[0] === 1) read += data.length - 1
  })
  await once(socket, 'open')
  socket.pause()
  // Until no more is made: what lies between the two, in the kernel, is full.
  for (let before = -1; before !== source.made;) {
    before = source.made
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(source.made).toBeLessThan(pieces)
  socket.resume()
  await once(socket, 'close')
  expect([source.made, read]).toEqual([pieces, pieces * size])
})

it('a script learns that the client has left', async () => {
  const left = new Promise<void>((resolve) => {
    script = async ({ signal }) => {
      await once(signal, 'abort')
      resolve()
      return {}
    }
  })
  const socket = open('container=main&command=sleep&stdout=true')
  await once(socket, 'open')
  socket.terminate()
  await expect(left).resolves.toBeUndefined()
})
