import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missing } from '../cluster/cluster.ts'
import type { Bench } from './row.ts'

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly duration?: number
    }[]
  }[]
}

/** The chaos tests in their long form: a hundred kills, twenty lost leaders, and the rest of `npm run test:chaos`. */
export const chaos: Bench = {
  name: 'chaos',
  long: true,
  missing: await missing(),
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'talon-bench-'))
    const report = join(folder, 'chaos.json')
    try {
      spawnSync('npm', ['run', 'test:chaos', '--', `--outputFile.json=${report}`], {
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, TALON_CHAOS: 'long' },
      })
      const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
      return testResults
        .flatMap(({ assertionResults }) => assertionResults)
        .map(({ fullName, status, duration = 0 }) => ({
          what: fullName,
          measured: status,
          baseline: `${Math.round(duration / 1000)} s`,
          result: '',
          aim: 'passed',
          met: status === 'passed',
        }))
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}
