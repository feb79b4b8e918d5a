import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A mock of a mail server. */
export interface Relay {
  readonly host_port: string
  /** What it was told, mails aside. */
  readonly commands: readonly string[]
  /** Connections, those that ended too. */
  readonly sockets: readonly Socket[]
}

/** What it answers to a command; undefined: as a server would, empty: nothing at all. */
export type Answer = (command: string, socket: Socket) => string | undefined

/** Speaks just enough SMTP, without TLS, to see what a client does, until the test ends. */
export async function startRelay(answer: Answer = () => undefined): Promise<Relay> {
  const commands: string[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write('220 relay\r\n')
    let [inData, read] = [false, '']
    socket.on('data', (chunk) => {
      read += chunk.toString()
      for (let end = read.indexOf('\r\n'); end >= 0; end = read.indexOf('\r\n')) {
        const line = read.slice(0, end)
        read = read.slice(end + 2)
        if (inData && line !== '.') continue
        if (!inData) commands.push(line)
        const verb = line.slice(0, 4)
        inData = verb === 'DATA'
        const said = answer(line, socket) ?? (inData ? '354 go on' : verb === 'EHLO' ? '250 relay' : '250 fine')
        if (said !== '') socket.write(`${said}\r\n`)
        if (verb === 'QUIT') socket.end()
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return { host_port: `127.0.0.1:${port}`, commands, sockets }
}

/** The same, where a login is offered and any is taken. */
export const withLogin = (command: string) =>
  command.startsWith('EHLO') ? '250-relay\r\n250 AUTH PLAIN' : command.startsWith('AUTH') ? '235 welcome' : undefined
