import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './cluster.ts'

/** The command of the workspace. */
export const TALON = join(import.meta.dirname, '../../cli/bin/talon.mjs')

export interface ServerOptions {
  readonly kubeconfig: string
  /** Text of the rules file; `{folder}` stands for the server's own folder. */
  readonly rules: string
  /** Lines of the config file. */
  readonly config?: string
  readonly env?: Readonly<Record<string, string>>
  /** False: do not wait until it is ready. */
  readonly wait?: boolean
  /** An earlier server's folder and port: its journal, and the same address. Removed by who made them. */
  readonly at?: { readonly folder: string; readonly port: number }
}

/** The real server, as its own process, asked over HTTP. */
export interface Server {
  readonly url: string
  readonly folder: string
  readonly process: ChildProcess
  /** What it printed so far. */
  output(): string
  post(body: string | object, headers?: Readonly<Record<string, string>>): Promise<Response>
  /** Ends it as Kubernetes does, and gives its exit status. */
  stop(): Promise<number | null>
}

export async function startServer({
  kubeconfig,
  rules,
  config = '',
  env = {},
  wait = true,
  at,
}: ServerOptions): Promise<Server> {
  const folder = at?.folder ?? mkdtempSync(join(tmpdir(), 'talon-e2e-server-'))
  const [rulesFile, configFile] = [join(folder, 'rules.yaml'), join(folder, 'config.yaml')]
  const port = at?.port ?? (await freePort())
  writeFileSync(rulesFile, rules.replaceAll('{folder}', folder))
  writeFileSync(
    configFile,
    `listen_address: 127.0.0.1\nlisten_port: ${port}\nkubeconfig: ${kubeconfig}\nlog_format: json\n${config.replaceAll('{folder}', folder)}`,
  )
  const args = [TALON, 'server', '-c', configFile, '-r', rulesFile]
  // The journal lies there: no two servers share one.
  const own = { XDG_STATE_HOME: folder }
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...own, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const url = `http://127.0.0.1:${port}`
  if (wait)
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${printed}`)
      const answer = await fetch(`${url}/readyz`).catch(() => undefined)
      return answer?.ok || undefined
    }, `the server is ready:\n${printed}`)
  return {
    url,
    folder,
    process: child,
    output: () => printed,
    post: (body, headers = { 'content-type': 'application/json' }) =>
      fetch(url, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) }),
    async stop() {
      child.kill('SIGTERM')
      const code = await exited
      if (!at) rmSync(folder, { recursive: true, force: true })
      return code
    },
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
