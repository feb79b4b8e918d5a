import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSandbox } from '@talon/sandbox'
import { end, load, startTalon } from './load.ts'
import { freePort, until } from './ports.ts'
import { median, type Bench } from './row.ts'
import { answers } from './steady.ts'

const FIRST = 100_000
const ALL = 1_000_000
/** Events a second, and minutes, of the second part. */
const RATE = 300
const MINUTES = 10

/** A rule that matches each event, and acts on each: in a dry run, so that the cluster is not what is measured. */
const RULES = `
- rule: Answer
  dry_run: true
  match: { rules: [Terminal shell in container] }
  actions: [{ action: Mark it, actionner: "kubernetes:exec", parameters: { command: "id" } }]
`

/** Whether memory grows with what went through: resident memory of the real server, with the journal on disk. */
export const endurance: Bench = {
  name: 'endurance',
  long: true,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'talon-bench-'))
    const sandbox = await startSandbox()
    const port = await freePort()
    const [config, rules] = [join(folder, 'config.yaml'), join(folder, 'rules.yaml')]
    writeFileSync(rules, RULES)
    writeFileSync(
      config,
      `listen_address: 127.0.0.1\nlisten_port: ${port}\nkubeconfig: ${sandbox.writeKubeconfig(join(folder, 'kubeconfig'))}
log_format: json\nprint_all_events: false\njournal: { path: ${folder}/journal, max_bytes: 200000000 }\n`,
    )
    const talon = startTalon(config, rules)
    const url = `http://127.0.0.1:${port}`
    /** V8 gives back what a burst has taken once there is little to do, not while there is nothing to do. */
    async function atRest(): Promise<number> {
      await answers(url, RATE, 60)
      return resident(talon.pid ?? 0)
    }
    try {
      await until(() => fetch(url))
      await load(url, { amount: FIRST })
      const before = await atRest()
      await load(url, { amount: ALL - FIRST })
      const after = await atRest()
      const samples: number[] = []
      for (let minute = 0; minute < MINUTES; minute++) {
        await answers(url, RATE, 50)
        samples.push(await resident(talon.pid ?? 0))
      }
      const [early, late] = [median(samples.slice(0, 3)), median(samples.slice(-3))]
      return [
        row('resident memory after a million events', after, `after ${FIRST / 1000},000`, before),
        row(
          `resident memory in the last of ${MINUTES} minutes at ${RATE} events a second`,
          late,
          'in the first',
          early,
        ),
      ]
    } finally {
      await end(talon)
      await sandbox.close()
      rmSync(folder, { recursive: true })
    }
  },
}

const MIB = 2 ** 20

function row(what: string, measured: number, when: string, baseline: number) {
  const ratio = measured / baseline
  return {
    what,
    measured: `${Math.round(measured / MIB)} MiB`,
    baseline: `${when}: ${Math.round(baseline / MIB)} MiB`,
    result: ratio.toFixed(2),
    aim: '<= 1.10',
    met: ratio <= 1.1,
  }
}

/** Bytes that a process holds: the least of ten seconds. */
async function resident(pid: number): Promise<number> {
  const seen: number[] = []
  for (let second = 0; second < 10; second++) {
    await sleep(1000)
    const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    seen.push(Number(kilobytes) * 1024)
  }
  return Math.min(...seen)
}
