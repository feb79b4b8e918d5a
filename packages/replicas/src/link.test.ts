import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createLink, endpointOf } from './link.ts'
import { createSealer } from './seal.ts'

const never = new AbortController().signal

async function serverOf(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

it('takes the answer of the server that the message is for, and of nobody else', async () => {
  const [here, there] = [createSealer('secret'), createSealer('secret')]
  let known: string | undefined
  const address = await serverOf((request, response) => {
    const header = (name: string) => request.headers[name] as string | undefined
    const nonce = there.open(endpointOf(known ?? address), header)?.nonce ?? ''
    const answer = '{"ok":true}'
    response.setHeader('talon-seal', there.answer(nonce, answer)).end(answer)
  })
  const link = createLink(here)
  expect(await link(address, { kind: 'progress', items: [] }, never)).toEqual({ ok: true })
  known = 'http://elsewhere'
  await expect(link(address, { kind: 'progress', items: [] }, never)).rejects.toThrow(/does not share the secret/)
})

it('reads no more of an answer than there can be', async () => {
  let sent = 0
  const address = await serverOf((_, response) => {
    const more = () => {
      sent += 2 ** 20
      return response.write(Buffer.alloc(2 ** 20))
    }
    response.on('drain', () => void more())
    more()
  })
  const link = createLink(createSealer('secret'))
  await expect(link(address, { kind: 'progress', items: [] }, never)).rejects.toThrow(/answers more than/)
  expect(sent).toBeLessThan(100 * 2 ** 20)
})
