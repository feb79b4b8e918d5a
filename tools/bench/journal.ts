import { fork, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '@talon/sandbox'
import { binary } from '../cluster/binaries.ts'
import { end, load, startTalon } from './load.ts'
import { freePort, until } from './ports.ts'
import { median, type Bench, type Row } from './row.ts'
import { answers } from './steady.ts'

const ROUNDS = 5
const SECONDS = 3
/** Senders: a small cluster's, and a large one's. */
const [FEW, MANY] = [32, 256]
/** Events a second while answers are timed. */
const RATE = 1_000

const RULES = `
- rule: Something else
  match: { rules: [Another rule] }
  actions: [{ action: End it, actionner: "kubernetes:terminate" }]
`

type Server = 'bare' | 'memory' | 'sqlite' | 'nats'
type Figures = Record<Server, number>

/** What it costs that an event is on disk before it is answered: the real server with each journal, in turns. */
export const journal: Bench = {
  name: 'journal',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'talon-bench-'))
    const sandbox = await startSandbox()
    const kubeconfig = sandbox.writeKubeconfig(join(folder, 'kubeconfig'))
    const rules = join(folder, 'rules.yaml')
    writeFileSync(rules, RULES)
    const children: ChildProcess[] = []

    async function start(server: Server): Promise<string> {
      const port = await freePort()
      if (server === 'bare') children.push(fork(join(import.meta.dirname, 'bare-server.ts'), [String(port)]))
      else {
        const config = join(folder, `${server}.yaml`)
        const state = `journal: { type: ${server}, path: ${join(folder, server)}, nats: { servers: ["${nats}"] } }`
        writeFileSync(
          config,
          `listen_address: 127.0.0.1\nlisten_port: ${port}\nkubeconfig: ${kubeconfig}\nlog_format: json\nprint_all_events: false\n${state}\n`,
        )
        children.push(startTalon(config, rules))
      }
      const url = `http://127.0.0.1:${port}`
      await until(() => fetch(url))
      await load(url, { duration: SECONDS })
      return url
    }

    /** One NATS server, with its streams in files. */
    async function startNats(): Promise<string> {
      const port = await freePort()
      const store = ['-js', '-sd', join(folder, 'jetstream')]
      children.push(
        spawn(await binary('nats-server'), [...store, '-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' }),
      )
      return `nats://127.0.0.1:${port}`
    }

    let nats = ''
    try {
      nats = await startNats()
      const urls = {
        bare: await start('bare'),
        memory: await start('memory'),
        sqlite: await start('sqlite'),
        nats: await start('nats'),
      }
      const inTurns = async (measure: (url: string) => Promise<number>): Promise<Figures[]> => {
        const rounds: Figures[] = []
        for (let round = 0; round < ROUNDS; round++)
          rounds.push({
            bare: await measure(urls.bare),
            memory: await measure(urls.memory),
            sqlite: await measure(urls.sqlite),
            nats: await measure(urls.nats),
          })
        return rounds
      }
      const few = await inTurns((url) => load(url, { duration: SECONDS, connections: FEW }))
      const many = await inTurns((url) => load(url, { duration: SECONDS, connections: MANY }))
      const times = await inTurns((url) => answers(url, RATE, SECONDS))
      const slowest = (server: Server) => Math.round(10 * median(times.map((round) => round[server]))) / 10
      return [
        row(few, FEW, ['sqlite', 'bare'], 0.5),
        row(many, MANY, ['sqlite', 'bare'], 0.5),
        row(few, FEW, ['memory', 'bare']),
        row(many, MANY, ['memory', 'bare']),
        row(few, FEW, ['nats', 'bare']),
        row(many, MANY, ['nats', 'bare']),
        {
          what: `99 of 100 answers at ${RATE} events a second, each on disk before`,
          measured: `${slowest('sqlite')} ms`,
          baseline: `in memory: ${slowest('memory')} ms, bare node:http: ${slowest('bare')} ms`,
          result: `${(slowest('sqlite') - slowest('bare')).toFixed(1)} ms more than bare`,
          aim: '< 10 ms',
          met: slowest('sqlite') < 10,
        },
      ]
    } finally {
      await Promise.all(children.map(end))
      await sandbox.close()
      rmSync(folder, { recursive: true })
    }
  },
}

const WHERE = { sqlite: 'on disk', memory: 'in memory', nats: 'in one JetStream' } as const

function row(
  rounds: readonly Figures[],
  senders: number,
  [server, against]: readonly [Exclude<Server, 'bare'>, 'bare'],
  aim?: number,
): Row {
  const ratio = median(rounds.map((round) => round[server] / round[against]))
  return {
    what: `events accepted a second from ${senders} senders, each ${WHERE[server]} before it is answered`,
    measured: `${Math.round(median(rounds.map((round) => round[server])))}/s`,
    baseline: `bare node:http with JSON.parse: ${Math.round(median(rounds.map((round) => round[against])))}/s`,
    result: ratio.toFixed(2),
    aim: aim === undefined ? '' : `>= ${aim.toFixed(2)}`,
    met: aim === undefined ? undefined : ratio >= aim,
  }
}
