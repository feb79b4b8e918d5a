import { once } from 'node:events'
import { freePort, startServer, type Server, type ServerOptions } from '../server.ts'
import { until } from '../cluster.ts'
import type { World } from './world.ts'

/** A server that is killed and comes back, with its folder and its port. */
export interface Mortal {
  readonly name: string
  readonly url: string
  readonly folder: string
  readonly process: Server['process']
  output(): string
  start(over?: Partial<ServerOptions>): Promise<void>
  /** As the kernel ends it: nothing is finished, nothing is said. */
  kill(): Promise<void>
  stop(): Promise<number | null>
  /** One value of its metrics. */
  metric(name: string): Promise<number | undefined>
}

export const rulesFor = (world: World) => `
- rule: Chaos
  match: { rules: [Chaos] }
  actions:
    - { action: Again, actionner: "chaos:again", parameters: { url: "${world.url}" } }
    - { action: Once, actionner: "chaos:once", parameters: { url: "${world.url}" } }
  notifiers: [webhook]
`

/** Every option of a mortal but where it is. */
export interface MortalOptions extends Omit<ServerOptions, 'rules' | 'at'> {
  readonly world: World
  readonly name: string
  readonly rules?: string
}

export async function createMortal({
  world,
  name,
  rules = rulesFor(world),
  ...options
}: MortalOptions): Promise<Mortal> {
  const at = { folder: world.pluginFolder(), port: await freePort() }
  const url = `http://127.0.0.1:${at.port}`
  const config = `plugins: [chaos]
print_all_events: false
notifiers: { webhook: { url: "${world.url}/told" } }
${options.config ?? ''}`
  const env = { POD_NAME: name, DEDUPLICATION_ADDRESS: url, ...options.env }
  let server: Server | undefined
  let printed = ''
  return {
    name,
    url,
    folder: at.folder,
    get process() {
      if (!server) throw new Error(`${name} never ran`)
      return server.process
    },
    output: () => printed + (server?.output() ?? ''),
    async start(over = {}) {
      if (server) printed += server.output()
      server = await startServer({ ...options, rules, config, at, ...over, env: { ...env, ...over.env } })
    },
    async kill() {
      const { process } = server!
      const gone = process.exitCode === null && process.signalCode === null ? once(process, 'exit') : undefined
      process.kill('SIGKILL')
      await gone
    },
    stop: async () => server?.stop() ?? null,
    async metric(name) {
      const page = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2000) }).then(
        (answer) => answer.text(),
        () => '',
      )
      const line = page.split('\n').find((one) => one.startsWith(`${name}{`) || one.startsWith(`${name} `))
      return line === undefined ? undefined : Number(line.split(' ').at(-1))
    },
  }
}

/** Waits until no server has an event left. */
export async function settled(servers: readonly Mortal[]): Promise<void> {
  await until(
    async () => {
      const left = await Promise.all(
        servers.flatMap((server) => [server.metric('unfinished_events'), server.metric('waiting_reports')]),
      )
      return left.every((count) => count === 0) || undefined
    },
    `no events are left:\n${servers.map((server) => server.output().slice(-3000)).join('\n')}`,
  )
}

/** How long a chaos test goes on: `long` is what `npm run bench -- chaos` asks for. */
export const long = process.env['TALON_CHAOS'] === 'long'
