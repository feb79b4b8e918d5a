import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { text as textOf } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { pod, startSandbox, type ExecCall, type Sandbox } from './index.ts'

let sandbox: Sandbox
let asked: ExecCall[]
beforeEach(async () => {
  asked = []
  sandbox = await startSandbox({
    exec: (call) => {
      asked.push(call)
      if (call.command[0] === 'missing') return { error: 'exec: "missing": executable file not found in $PATH' }
      return { stdout: `read ${call.stdin}`, stderr: 'warned', exitCode: Number(call.command[1] ?? 0) }
    },
  })
  const waiting = pod({ name: 'waiting' })
  delete waiting.spec?.['nodeName']
  sandbox.seed(pod({ name: 'web-0', containers: ['a', 'b'] }), waiting)
})
afterEach(() => sandbox.close())

/** What came on each channel, as text, after sending `frames`. */
async function exec(query: string, protocol: string, frames: readonly Buffer[] = []): Promise<Record<number, string>> {
  const url = `${sandbox.url.replace('http', 'ws')}/api/v1/namespaces/default/pods/web-0/exec?${query}`
  const socket = new WebSocket(url, protocol)
  const channels: Record<number, string> = {}
  socket.on('message', (data: Buffer) => {
    channels[data[0] ?? -1] = (channels[data[0] ?? -1] ?? '') + data.subarray(1).toString()
  })
  const closed = once(socket, 'close')
  await once(socket, 'open')
  expect(socket.protocol).toBe(protocol)
  for (const frame of frames) socket.send(frame)
  await closed
  return channels
}

/** Status and text of the answer where no connection comes about. */
async function refusal(name: string, query: string): Promise<readonly [number | undefined, string]> {
  const url = `${sandbox.url.replace('http', 'ws')}/api/v1/namespaces/default/pods/${name}/exec?${query}`
  const socket = new WebSocket(url, 'v5.channel.k8s.io')
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  return [response.statusCode, await textOf(response)]
}

it.each(['v4.channel.k8s.io', 'v5.channel.k8s.io'])(
  '%s brings output, errors and the exit status apart',
  async (protocol) => {
    const channels = await exec('container=a&command=run&command=7&stdout=true&stderr=true', protocol)
    expect([channels[1], channels[2]]).toEqual(['read ', 'warned'])
    expect(JSON.parse(channels[3] ?? '')).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '7' }] },
    })
  },
)

it('standard input ends where v5 closes its channel', async () => {
  const frames = [Buffer.from('\0one '), Buffer.from('\0two'), Buffer.from([255, 0])]
  const channels = await exec('container=b&command=cat&stdin=true&stdout=true', 'v5.channel.k8s.io', frames)
  expect([channels[1], asked[0]?.stdin, asked[0]?.container]).toEqual(['read one two', 'one two', 'b'])
  expect(JSON.parse(channels[3] ?? '')).toMatchObject({ status: 'Success' })
})

it('a command that cannot be started is a failure without an exit status', async () => {
  const channels = await exec('container=a&command=missing&stdout=true', 'v5.channel.k8s.io')
  expect(JSON.parse(channels[3] ?? '')).toMatchObject({ status: 'Failure', reason: 'InternalError' })
})

it.each([
  ['web-0', 'command=ls', 400, 'a container name must be specified for pod web-0, choose one of: [a b]'],
  ['web-0', 'command=ls&container=c', 400, 'container c is not valid for pod web-0'],
  ['none', 'command=ls', 404, 'pods "none" not found'],
  ['waiting', 'command=ls&stdout=true', 400, 'pod waiting does not have a host assigned'],
])('exec in %s with %s is refused before anything runs', async (name, query, code, message) => {
  const [status, text] = await refusal(name, query)
  expect([status, JSON.parse(text)]).toMatchObject([code, { kind: 'Status', message }])
  expect(asked).toEqual([])
})

it.each([
  ['command=ls&container=a', 400, 'you must specify at least 1 of stdin, stdout, stderr'],
  ['command=ls&container=b&stdout=true', 500, 'container not found ("b")'],
])('exec with %s is refused in the words of kubelet, which are text', async (query, code, message) => {
  await fetch(`${sandbox.url}/api/v1/namespaces/default/pods/web-0/status`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ status: { containerStatuses: [{ name: 'a', state: { running: {} } }] } }),
  })
  expect(await refusal('web-0', query)).toEqual([code, message])
})

it('a terminal has one output', async () => {
  const channels = await exec('container=a&command=run&stdout=true&tty=true', 'v5.channel.k8s.io')
  expect([channels[1], channels[2]]).toEqual(['read warned', undefined])
})
