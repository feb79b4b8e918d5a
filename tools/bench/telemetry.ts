import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '@talon/sandbox'
import { counting } from './counting.ts'
import { end, load, startTalon } from './load.ts'
import { freePort, until } from './ports.ts'
import { median, type Bench, type Row } from './row.ts'

const ROUNDS = 5
const EVENTS = 50_000

const RULES = `
- rule: Something else
  match: { rules: [Another rule] }
  actions: [{ action: End it, actionner: "kubernetes:terminate" }]
`

/** What each server does besides taking events. */
const SERVERS = {
  quiet: 'print_all_events: false',
  printing: 'print_all_events: true',
  tracing:
    'print_all_events: false\notel: { traces_enabled: true, collector_port: 1, collector_use_insecure_grpc: true }',
} as const

/** What it costs to tell of a burst of events: the real server, with a reader of its log as a container has one. */
export const telemetry: Bench = {
  name: 'telemetry',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'talon-bench-'))
    const sandbox = await startSandbox()
    const kubeconfig = sandbox.writeKubeconfig(join(folder, 'kubeconfig'))
    const rules = join(folder, 'rules.yaml')
    writeFileSync(rules, RULES)
    const children: ChildProcess[] = []

    async function start(name: keyof typeof SERVERS): Promise<string> {
      const port = await freePort()
      const [config, pipe] = [join(folder, `${name}.yaml`), join(folder, `${name}.pipe`)]
      writeFileSync(
        config,
        `listen_address: 127.0.0.1\nlisten_port: ${port}\nkubeconfig: ${kubeconfig}\nlog_format: json\njournal: { type: memory }\n${SERVERS[name]}\n`,
      )
      execFileSync('mkfifo', [pipe])
      children.push(spawn('sh', ['-c', 'exec cat < "$0" > "$0.log"', pipe], { stdio: ['ignore', 'ignore', 'inherit'] }))
      children.push(startTalon(config, rules, ['ignore', openSync(pipe, 'w'), 'inherit']))
      const url = `http://127.0.0.1:${port}`
      await until(() => fetch(url))
      await load(url, { amount: EVENTS })
      return url
    }

    try {
      const urls = { quiet: await start('quiet'), printing: await start('printing'), tracing: await start('tracing') }
      const rounds: Record<keyof typeof SERVERS, number>[] = []
      for (let round = 0; round < ROUNDS; round++)
        rounds.push({
          quiet: await load(urls.quiet, { amount: EVENTS }),
          printing: await load(urls.printing, { amount: EVENTS }),
          tracing: await load(urls.tracing, { amount: EVENTS }),
        })
      const row = (what: string, name: 'printing' | 'tracing', aim: number | undefined): Row => {
        const ratio = median(rounds.map((round) => round[name] / round.quiet))
        return {
          what: `events accepted a second in a burst of ${EVENTS}, ${what}`,
          measured: `${Math.round(median(rounds.map((round) => round[name])))}/s`,
          baseline: `nothing printed: ${Math.round(median(rounds.map(({ quiet }) => quiet)))}/s`,
          result: ratio.toFixed(2),
          aim: aim === undefined ? '' : `>= ${aim.toFixed(2)}`,
          met: aim === undefined ? undefined : ratio >= aim,
        }
      }
      const printed = Number(
        execFileSync('wc', ['-l', join(folder, 'printing.pipe.log')], { encoding: 'utf8' }).split(' ')[0],
      )
      if (printed < EVENTS * (ROUNDS + 1)) throw new Error(`of the events only ${printed} were printed`)
      return [
        row('each printed', 'printing', 0.8),
        row('each traced, with a collector that is away', 'tracing', undefined),
        ...(await counting()),
      ]
    } finally {
      await Promise.all(children.map(end))
      await sandbox.close()
      rmSync(folder, { recursive: true })
    }
  },
}
