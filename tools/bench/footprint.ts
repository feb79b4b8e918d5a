import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSandbox } from '@talon/sandbox'
import { freePort, until } from './ports.ts'
import { median, type Bench } from './row.ts'

const TALON = join(import.meta.dirname, '../../apps/cli/bin/talon.mjs')
const STARTS = 7

const RULES = `
- rule: Shell
  match: { rules: [Terminal shell in container] }
  actions: [{ action: End it, actionner: "kubernetes:terminate" }]
`

/** How long the server takes until it is ready, and what it holds then, beside a bare Node process. */
export const footprint: Bench = {
  name: 'footprint',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'talon-bench-'))
    const sandbox = await startSandbox()
    const kubeconfig = sandbox.writeKubeconfig(join(folder, 'kubeconfig'))
    writeFileSync(join(folder, 'rules.yaml'), RULES)
    const starts: number[] = []
    const sizes: number[] = []
    const bareStarts: number[] = []
    const bareSizes: number[] = []
    try {
      for (let round = 0; round < STARTS; round++) {
        const port = await freePort()
        writeFileSync(
          join(folder, 'config.yaml'),
          `listen_address: 127.0.0.1\nlisten_port: ${port}\nkubeconfig: ${kubeconfig}\njournal: { type: memory }\n`,
        )
        const args = [TALON, 'server', '-c', join(folder, 'config.yaml'), '-r', join(folder, 'rules.yaml')]
        const talon = await measure(args, () => ready(`http://127.0.0.1:${port}/readyz`))
        starts.push(talon.start)
        sizes.push(talon.size)
        const barePort = await freePort()
        const bare = await measure([join(import.meta.dirname, 'bare-server.ts'), String(barePort)], () =>
          ready(`http://127.0.0.1:${barePort}`),
        )
        bareStarts.push(bare.start)
        bareSizes.push(bare.size)
      }
    } finally {
      await sandbox.close()
      rmSync(folder, { recursive: true })
    }
    const row = (what: string, unit: string, of: readonly number[], bare: readonly number[]) => ({
      what,
      measured: `${Math.round(median(of))} ${unit}`,
      baseline: `bare node:http: ${Math.round(median(bare))} ${unit}`,
      result: (median(of) / median(bare)).toFixed(2),
      aim: '',
      met: undefined,
    })
    return [
      row('start to ready, with a Kubernetes rule', 'ms', starts, bareStarts),
      row('memory at rest (resident)', 'MB', sizes, bareSizes),
    ]
  },
}

async function ready(url: string): Promise<void> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`)
}

async function measure(args: readonly string[], ask: () => Promise<void>): Promise<{ start: number; size: number }> {
  const began = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const gone = once(child, 'exit')
  try {
    await until(ask, 2)
    const start = performance.now() - began
    await sleep(1000)
    return { start, size: residentMegabytes(child.pid ?? 0) }
  } finally {
    child.kill('SIGKILL')
    await gone
  }
}

/** Resident memory as the kernel counts it: `VmRSS` of proc(5), in kB there. */
function residentMegabytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
