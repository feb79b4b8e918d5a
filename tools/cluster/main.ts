// `node tools/cluster/main.ts`: a real cluster for tests, from the command line.
import { constants } from 'node:os'
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { binary, clusterBinaries } from './binaries.ts'
import { missing } from './check.ts'
import { runInCluster, startCluster } from './cluster.ts'

const usage = `usage: node tools/cluster/main.ts COMMAND

  run [--kwok N] -- PROGRAM ...   runs a program beside a cluster; KUBECONFIG_E2E in its environment is the cluster's kubeconfig
  up [--kwok N]                   keeps a cluster until Ctrl-C and prints its kubeconfig
  build                           fills the cache of binaries
  check                           says in a line what is missing on this machine

--kwok N adds N nodes that are only said to exist, for pods by the thousand. Exit status: the program's; 3 where something is missing.
`

const say = (line: string) => process.stdout.write(`${line}\n`)

async function checked(): Promise<boolean> {
  const lacks = await missing()
  if (lacks !== undefined) process.stderr.write(`no test cluster can run here; missing: ${lacks}\n`)
  return lacks === undefined
}

/** Ends the cluster with this process; SIGINT from a terminal reached the program as well, which decides itself what it means. */
function endOnSignal(end: () => Promise<void>, signals: readonly NodeJS.Signals[]): void {
  for (const signal of signals)
    process.once(signal, () => void end().then(() => process.exit(128 + constants.signals[signal])))
}

async function run(command: readonly string[], kwokNodes: number): Promise<number> {
  const [program, ...args] = command
  if (program === undefined) return help()
  if (process.env['KUBECONFIG_E2E'] !== undefined) return spawnSync(program, args, { stdio: 'inherit' }).status ?? 1
  if (!(await checked())) return 3
  const inhabitant = await runInCluster(command, kwokNodes)
  endOnSignal(() => inhabitant.end(), process.stdin.isTTY ? ['SIGTERM', 'SIGHUP'] : ['SIGTERM', 'SIGHUP', 'SIGINT'])
  if (process.stdin.isTTY) process.on('SIGINT', () => undefined)
  return inhabitant.gone
}

async function up(kwokNodes: number): Promise<number> {
  if (!(await checked())) return 3
  const cluster = await startCluster({ kwokNodes })
  endOnSignal(() => cluster.stop(), ['SIGINT', 'SIGTERM', 'SIGHUP'])
  say(`export KUBECONFIG=${cluster.kubeconfig}`)
  if (cluster.pid !== undefined) {
    const { pid } = cluster
    say(
      `# inside: nsenter --target ${pid} --net --mount --pid=/proc/${pid}/ns/pid_for_children; logs: /run/talon-cluster/logs`,
    )
  }
  return cluster.gone
}

async function build(): Promise<number> {
  for (const name of clusterBinaries) say(await binary(name))
  return 0
}

function help(): number {
  process.stderr.write(usage)
  return 2
}

async function main(argv: readonly string[]): Promise<number> {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  const { values, positionals } = parseArgs({
    args: argv.slice(0, end),
    allowPositionals: true,
    options: { kwok: { type: 'string', default: '0' } },
  })
  const kwokNodes = Number(values.kwok)
  if (!Number.isSafeInteger(kwokNodes) || kwokNodes < 0 || positionals.length !== 1) return help()
  switch (positionals[0]) {
    case 'run':
      return run(argv.slice(end + 1), kwokNodes)
    case 'up':
      return up(kwokNodes)
    case 'build':
      return build()
    case 'check':
      return (await checked()) ? 0 : 3
    default:
      return help()
  }
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  return error instanceof TypeError ? 2 : 1
})
