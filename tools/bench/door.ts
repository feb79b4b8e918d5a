import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '@talon/sandbox'
import { end, load, startTalon } from './load.ts'
import { freePort, until } from './ports.ts'
import { median, type Bench } from './row.ts'

const ROUNDS = 5
const SECONDS = 3

/** Accepted events a second, beside a bare node:http server that reads and parses the same body. */
export const door: Bench = {
  name: 'door',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'talon-bench-'))
    const [port, barePort] = [await freePort(), await freePort()]
    const sandbox = await startSandbox()
    const kubeconfig = sandbox.writeKubeconfig(join(folder, 'kubeconfig'))
    writeFileSync(join(folder, 'rules.yaml'), RULES)
    writeFileSync(
      join(folder, 'config.yaml'),
      `listen_address: 127.0.0.1\nlisten_port: ${port}\nkubeconfig: ${kubeconfig}\nlog_format: json\nprint_all_events: false\njournal: { type: memory }\n`,
    )
    const talon = startTalon(join(folder, 'config.yaml'), join(folder, 'rules.yaml'))
    const bare = fork(join(import.meta.dirname, 'bare-server.ts'), [String(barePort)])
    const urls = { talon: `http://127.0.0.1:${port}`, bare: `http://127.0.0.1:${barePort}` }
    try {
      for (const url of Object.values(urls)) await until(() => fetch(url).then(() => true))
      for (const url of Object.values(urls)) await load(url, { duration: SECONDS })
      const pairs: { talon: number; bare: number }[] = []
      for (let round = 0; round < ROUNDS; round++)
        pairs.push({
          talon: await load(urls.talon, { duration: SECONDS }),
          bare: await load(urls.bare, { duration: SECONDS }),
        })
      const ratio = median(pairs.map(({ talon, bare }) => talon / bare))
      return [
        {
          what: 'events accepted a second, 2 KB each, none matched',
          measured: `${Math.round(median(pairs.map(({ talon }) => talon)))}/s`,
          baseline: `bare node:http with JSON.parse: ${Math.round(median(pairs.map(({ bare }) => bare)))}/s`,
          result: ratio.toFixed(2),
          aim: '>= 0.70',
          met: ratio >= 0.7,
        },
      ]
    } finally {
      await Promise.all([end(talon), end(bare), sandbox.close()])
      rmSync(folder, { recursive: true })
    }
  },
}

const RULES = `
- rule: Something else
  match: { rules: [Another rule] }
  actions: [{ action: End it, actionner: "kubernetes:terminate" }]
`
