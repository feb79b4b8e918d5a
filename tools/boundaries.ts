// Fails when a package depends on something that its kind does not allow (docs/architecture.md has the picture).
// Nx has no free boundary rule that works with TypeScript 7, so this reads the graph that Nx draws.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Graph {
  nodes: Record<string, { data: { tags?: string[] } } | undefined>
  dependencies: Record<string, { target: string; type: string }[]>
}

const plugin = ['contract', 'client', 'testing', 'sandbox'] // testing and sandbox for their tests; lint keeps them out of the source
const provided = ['actionner', 'output', 'notifier', 'context']
const allowed: Record<string, readonly string[]> = {
  contract: [],
  sandbox: [],
  core: ['contract'],
  client: ['contract', 'client', 'sandbox'],
  actionner: plugin,
  output: plugin,
  notifier: plugin,
  context: plugin,
  telemetry: ['contract', 'core'],
  journal: ['contract', 'core'],
  testing: ['contract', 'core'],
  bundle: ['contract', 'core', 'testing', ...provided],
  app: ['contract', 'core', 'telemetry', 'journal', 'bundle', 'app', 'sandbox', 'client'],
  e2e: ['app', 'sandbox', 'contract', 'core'],
  docs: [],
  tool: ['contract', 'core', 'telemetry', 'journal', 'bundle', 'app', 'sandbox', 'testing', 'client', ...provided],
}

const folder = mkdtempSync(join(tmpdir(), 'talon-graph-'))
const file = join(folder, 'graph.json')
execFileSync('nx', ['graph', `--file=${file}`], { stdio: ['ignore', 'ignore', 'inherit'] })
const { nodes, dependencies } = (JSON.parse(readFileSync(file, 'utf8')) as { graph: Graph }).graph
rmSync(folder, { recursive: true })

const kindOf = (name: string) =>
  nodes[name]?.data.tags?.find((tag) => tag.startsWith('type:'))?.slice('type:'.length) ?? ''
const wrong: string[] = []
for (const [from, edges] of Object.entries(dependencies)) {
  if (from === '@talon/workspace') continue
  const kinds = allowed[kindOf(from)]
  if (!kinds) {
    wrong.push(`${from} has no known type: tag in its package.json`)
    continue
  }
  for (const { target } of edges)
    if (!target.startsWith('npm:') && !kinds.includes(kindOf(target)))
      wrong.push(`${from} (${kindOf(from)}) must not depend on ${target} (${kindOf(target)})`)
}
for (const line of wrong) console.error(line)
console.log(`boundaries: ${Object.keys(dependencies).length} projects, ${wrong.length} violations`)
process.exitCode = wrong.length ? 1 : 0
