import { globSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSandbox } from '@talon/sandbox'
import { buildFolder } from '../image/folder.ts'
import { freePort } from './ports.ts'
import { median, type Bench } from './row.ts'
import { startOf } from './start-of.ts'

const INSTALLED = join(import.meta.dirname, '../../apps/cli/bin/talon.mjs')
const STARTS = 7

const RULES = `
- rule: Shell
  match: { rules: [Terminal shell in container] }
  actions: [{ action: End it, actionner: "kubernetes:terminate" }]
`

/** What the image's bundle weighs, takes to start and holds, beside the packages that it is made of. */
export const image: Bench = {
  name: 'image',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'talon-bench-'))
    const sandbox = await startSandbox()
    const kubeconfig = sandbox.writeKubeconfig(join(folder, 'kubeconfig'))
    const [config, rules] = [join(folder, 'config.yaml'), join(folder, 'rules.yaml')]
    writeFileSync(rules, RULES)
    const start = async (program: string) => {
      const port = await freePort()
      const lines = [`listen_port: ${port}`, `kubeconfig: ${kubeconfig}`, 'journal: { type: memory }']
      writeFileSync(config, ['listen_address: 127.0.0.1', ...lines].join('\n'))
      return startOf([program, 'server', '-c', config, '-r', rules], `http://127.0.0.1:${port}/readyz`)
    }
    try {
      const packages = await buildFolder(join(folder, 'image'))
      const bundled: Awaited<ReturnType<typeof start>>[] = []
      const installed: typeof bundled = []
      for (let round = 0; round < STARTS; round++) {
        bundled.push(await start(join(folder, 'image/talon/bin/talon.mjs')))
        installed.push(await start(INSTALLED))
      }
      const row = (what: string, unit: string, ours: number, theirs: number) => ({
        what,
        measured: `${Math.round(ours)} ${unit}`,
        baseline: `installed packages: ${Math.round(theirs)} ${unit}`,
        result: (ours / theirs).toFixed(2),
        aim: '<= 1.00',
        met: ours <= theirs,
      })
      const of = (runs: typeof bundled, figure: 'start' | 'size') => median(runs.map((run) => run[figure]))
      // Packages that lie in the node_modules of another are counted by themselves.
      const weight = packages.reduce((sum, one) => sum + megabytes(one.folder, 'node_modules'), 0)
      return [
        row("the image's files beside Node.js", 'MB', megabytes(join(folder, 'image')), weight),
        row('start to ready in the image', 'ms', of(bundled, 'start'), of(installed, 'start')),
        row('memory at rest in the image (resident)', 'MB', of(bundled, 'size'), of(installed, 'size')),
      ]
    } finally {
      await sandbox.close()
      rmSync(folder, { recursive: true })
    }
  },
}

/** What the files of a folder weigh, but for those below folders of a name. */
function megabytes(folder: string, without = ''): number {
  const files = globSync('**', { cwd: folder, exclude: without ? [without] : [] })
  const sizes = files.map((file) => statSync(join(folder, file))).map((file) => (file.isFile() ? file.size : 0))
  return sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20
}
