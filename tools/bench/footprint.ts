import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '@talon/sandbox'
import { freePort } from './ports.ts'
import { median, type Bench } from './row.ts'
import { startOf } from './start-of.ts'

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
        const talon = await startOf(args, `http://127.0.0.1:${port}/readyz`)
        starts.push(talon.start)
        sizes.push(talon.size)
        const barePort = await freePort()
        const bare = await startOf(
          [join(import.meta.dirname, 'bare-server.ts'), String(barePort)],
          `http://127.0.0.1:${barePort}`,
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
