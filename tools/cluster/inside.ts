// Entry point inside the namespaces (see namespaces.ts): starts a cluster, then runs a command beside it or serves it to the outside.
// Its end is the end of everything in here.
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { type Server, type Socket, connect } from 'node:net'
import { constants } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { apiPort, home, kubeconfig } from './configs.ts'
import { startCluster } from './start.ts'

/** What the outside asks for. */
export interface Wish {
  readonly kwokNodes: number
  /** Runs beside the cluster, which ends with it. */
  readonly command?: readonly string[]
}

const fail = (error: Error) => {
  process.stderr.write(`the test cluster failed: ${error.message}\n`)
  process.exit(1)
}

function runCommand([program = '', ...args]: readonly string[]): void {
  // A Ctrl-C reached the command as well, which decides what it means.
  process.on('SIGINT', () => undefined)
  spawn(program, args, { stdio: 'inherit', env: { ...process.env, KUBECONFIG_E2E: join(home, 'kubeconfig') } })
    .on('error', (error) => {
      process.stderr.write(`${program} cannot be run: ${error.message}\n`)
      process.exit(127)
    })
    .on('exit', (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
}

/** Hands connections on to the API server. The listening socket was opened outside, so it is of the outer network. */
function serve(listener: Server, certificate: string): void {
  listener.on('connection', (socket: Socket) => {
    const upstream = connect({ host: '127.0.0.1', port: apiPort, noDelay: true })
    socket.setNoDelay(true)
    // Either side's failure destroys the other, which is all that can be done.
    pipeline(socket, upstream, () => undefined)
    pipeline(upstream, socket, () => undefined)
  })
  const address = listener.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  writeFile(join(home, 'kubeconfig-outside'), kubeconfig(port, certificate)).then(() => process.send?.('ready'), fail)
}

const [cgroup = '', wish = '{}'] = process.argv.slice(2)
const { kwokNodes, command } = JSON.parse(wish) as Wish
const listener = new Promise<Server>((resolve) => {
  process.once('message', (_, handle) => resolve(handle as Server))
})
process.once('disconnect', () => process.exit(1))

startCluster(cgroup, kwokNodes, fail).then(async (certificate) => {
  if (command === undefined) serve(await listener, certificate)
  else runCommand(command)
}, fail)
