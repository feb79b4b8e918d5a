// Everything that must hold before a change lands: `npm test`. Ends with `N passed, N failed, N skipped`.
import { spawn } from 'node:child_process'
import { globSync, readFileSync, rmSync } from 'node:fs'
import { missing } from './cluster/cluster.ts'

interface Check {
  readonly name: string
  readonly command: readonly string[]
  /** Where vitest's JSON reports of this check lie; without any, the check itself counts as one. */
  readonly reports?: string
  /** In one line, why it cannot run here. */
  readonly skip?: string | undefined
}
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly success: boolean
}

const suite = ['vitest', 'run', '--root', 'apps/server-e2e', '--config', '../../vitest.config.ts']
const e2e = [...suite, '--exclude', '**/chaos/**']
/** One file after the other: each loads both processors. */
const chaos = [
  ...suite,
  '--dir',
  'apps/server-e2e/src/chaos',
  '--no-file-parallelism',
  '--outputFile.json=.report/chaos.json',
]
const lacks = process.env['KUBECONFIG_E2E'] === undefined ? await missing() : undefined

const checks: readonly Check[] = [
  { name: 'format', command: ['oxfmt', '--check', '.'] },
  { name: 'lint', command: ['nx', 'run-many', '-t', 'lint'] },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.test.json'] },
  { name: 'boundaries', command: ['node', 'tools/boundaries.ts'] },
  { name: 'reference', command: ['node', '--conditions=@talon/source', 'tools/reference.ts', '--check'] },
  { name: 'packages', command: ['node', 'tools/pack-check.ts'] },
  {
    name: 'unit tests',
    command: ['nx', 'run-many', '-t', 'test'],
    reports: '{packages,apps,tools}/**/.report/test.json',
  },
  {
    name: 'end to end, sandbox',
    command: [...e2e, '--outputFile.json=.report/sandbox.json'],
    reports: 'apps/server-e2e/.report/sandbox.json',
  },
  {
    name: 'end to end, real cluster',
    command: [
      'node',
      'tools/cluster/main.ts',
      'run',
      '--kwok',
      '2',
      '--',
      ...e2e,
      '--outputFile.json=.report/cluster.json',
    ],
    reports: 'apps/server-e2e/.report/cluster.json',
    skip: lacks && `not run, missing: ${lacks}`,
  },
  {
    name: 'chaos, real cluster',
    command: ['node', 'tools/cluster/main.ts', 'run', '--', ...chaos],
    reports: 'apps/server-e2e/.report/chaos.json',
    skip: lacks && `not run, missing: ${lacks}`,
  },
  { name: 'fuzz', command: ['node', '--conditions=@talon/source', 'tools/fuzz/main.ts', '60'] },
]

const reportsOf = (pattern: string) => globSync(pattern, { exclude: (path) => /node_modules|dist/.test(path) })

/** Runs a command; its output is shown when it fails, or at once where CI is watched. */
function run([program = '', ...args]: readonly string[]): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    const env: NodeJS.ProcessEnv = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', FORCE_COLOR: '0' }
    delete env['KUBECONFIG']
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const add = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-200_000))
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.on('error', (error) => resolve({ ok: false, output: `${output}\n${error.message}` }))
    child.on('close', (code) => resolve({ ok: code === 0, output }))
  })
}

let passed = 0
let failed = 0
let skipped = 0
for (const { name, command, reports, skip } of checks) {
  if (skip) {
    skipped++
    console.log(`-  ${name}: ${skip}`)
    continue
  }
  if (reports && !reports.startsWith('{')) for (const file of reportsOf(reports)) rmSync(file)
  const began = Date.now()
  const { ok, output } = await run(command)
  const found = reports ? reportsOf(reports).map((file) => JSON.parse(readFileSync(file, 'utf8')) as Report) : []
  const count = (of: (report: Report) => number) => found.reduce((sum, report) => sum + of(report), 0)
  const failures = count((report) => report.numFailedTests)
  const passes = count((report) => report.numPassedTests)
  passed += reports ? passes : Number(ok)
  // A run that failed without a failed test, or that ran none, has failed all the same.
  failed += failures || Number(!ok || (reports !== undefined && passes === 0))
  skipped += count((report) => report.numPendingTests)
  const seconds = ((Date.now() - began) / 1000).toFixed(1)
  console.log(`${ok ? 'ok' : 'NO'} ${name} (${seconds} s${reports ? `, ${passes} passed, ${failures} failed` : ''})`)
  if (!ok) console.log(output)
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed ? 1 : 0
