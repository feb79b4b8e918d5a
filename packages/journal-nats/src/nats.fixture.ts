import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { binary } from '../../../tools/cluster/binaries.ts'
import { freePort } from '../../../tools/counterparts/free-port.ts'

/** A nats-server of the test's own, with its folder. */
export interface NatsServer {
  readonly url: string
  readonly folder: string
  readonly process: ChildProcess
  start(): Promise<void>
  /** As the kernel ends it. */
  kill(): Promise<void>
  close(): Promise<void>
}

/** Starts a nats-server. `config` is more of its configuration; `{folder}` stands for the folder of `files`. */
export async function startNats(config = '', files: Readonly<Record<string, string>> = {}): Promise<NatsServer> {
  const program = await binary('nats-server')
  const folder = await mkdtemp(join(tmpdir(), 'talon-nats-'))
  const port = await freePort()
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const jetstream = config.includes('jetstream') ? '' : `jetstream { store_dir: "${folder}/store" }\n`
  await writeFile(
    join(folder, 'nats.conf'),
    `listen: "127.0.0.1:${port}"\n${jetstream}${config.replaceAll('{folder}', folder)}\n`,
  )
  let process: ChildProcess | undefined
  let said = ''
  const server: NatsServer = {
    url: `nats://127.0.0.1:${port}`,
    folder,
    get process() {
      return process!
    },
    async start() {
      said = ''
      const child = spawn(program, ['-c', join(folder, 'nats.conf')], { stdio: ['ignore', 'ignore', 'pipe'] })
      process = child
      await new Promise<void>((resolve, reject) => {
        child.stderr.on('data', (chunk: Buffer) => {
          said += chunk.toString()
          if (said.includes('Server is ready')) resolve()
        })
        child.once('exit', () => reject(new Error(`nats-server ended:\n${said}`)))
      })
    },
    async kill() {
      const gone = once(process!, 'exit')
      process!.kill('SIGKILL')
      await gone
    },
    async close() {
      if (process?.exitCode === null && process.signalCode === null) await server.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
  await server.start()
  return server
}
