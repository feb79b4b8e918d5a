import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const TALON = join(import.meta.dirname, '../bin/talon.mjs')
/** Nothing of the developer's own settings. */
const ENV = { PATH: process.env['PATH'], HOME: process.env['HOME'] }

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command as users do, from its built files. */
export function talon(args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): Ran {
  const env = { ...ENV, ...options.env }
  return spawnSync(process.execPath, [TALON, ...args], { cwd: options.cwd, env, encoding: 'utf8' })
}

export interface Serving {
  readonly process: ChildProcess
  readonly url: string
  output(): string
  /** Its exit status. */
  readonly exited: Promise<number | null>
  /** Asks it to end, and gives its exit status. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Runs `talon server` with `listen_port: 0`, and waits for nothing. */
export function spawnServer(args: readonly string[], cwd: string): Omit<Serving, 'url'> {
  const child = spawn(process.execPath, [TALON, 'server', ...args], {
    cwd,
    env: { ...ENV, LOG_FORMAT: 'json', LISTEN_ADDRESS: '127.0.0.1', LISTEN_PORT: '0', XDG_STATE_HOME: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return {
    process: child,
    exited,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      return exited
    },
  }
}

/** Runs it as well; resolves once it takes events. */
export async function startServer(args: readonly string[], cwd: string): Promise<Serving> {
  const server = spawnServer(args, cwd)
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const found = /"url":"(http:[^"]+)"/.exec(server.output())?.[1]
      if (found) resolve(found)
    }
    server.process.stdout?.on('data', look)
    void server.exited.then((code) => reject(new Error(`the server ended with ${code}:\n${server.output()}`)))
  })
  return { ...server, url }
}
