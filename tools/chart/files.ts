import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstParty, starterRules } from '@talon/bundle'
import { configSchema, Host } from '@talon/core'
import { parse, stringify } from 'yaml'
import { valuesSchema } from './values-schema.ts'

const ROOT = join(import.meta.dirname, '../..')

/** The chart's folder. */
export const CHART = join(ROOT, 'apps/server/chart')

/** What the chart is told by other parts of the repository, by path in the chart: Helm reads no file outside of it. */
export async function chartFiles(): Promise<ReadonlyMap<string, string>> {
  const host = new Host()
  for (const plugin of await firstParty()) host.add(plugin)
  const starter = await starterRules()
  const alerts = readFileSync(join(ROOT, 'docs/observability/alerts.yaml'), 'utf8')
  return new Map([
    ['Chart.yaml', chartYaml()],
    ['values.schema.json', `${JSON.stringify(valuesSchema(configSchema(host)), undefined, 2)}\n`],
    ['files/starter.yaml', starter],
    ['files/role.yaml', roleFor(starter)],
    ['files/alerts.yaml', stringify(parse(alerts), { lineWidth: 0 })],
    ['files/dashboard.json', readFileSync(join(ROOT, 'docs/observability/dashboard.json'), 'utf8')],
  ])
}

function chartYaml(): string {
  const { version, repository } = JSON.parse(readFileSync(join(ROOT, 'apps/server/package.json'), 'utf8')) as {
    version: string
    repository: { url: string }
  }
  const home = repository.url.replace(/^git\+|\.git$/g, '')
  const chart = {
    apiVersion: 'v2',
    name: 'talon',
    description: 'Response engine for threats in Kubernetes that Falco detects',
    type: 'application',
    version,
    appVersion: version,
    // The oldest that takes unhealthyPodEvictionPolicy and persistentVolumeClaimRetentionPolicy without a feature gate.
    kubeVersion: '>=1.27.0-0',
    home,
    sources: [home],
    keywords: ['falco', 'security', 'response'],
  }
  return stringify(chart, { singleQuote: true })
}

/** What `talon rbac` prints for rules under the chart's own config. */
function roleFor(rules: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'talon-chart-'))
  const [configFile, rulesFile] = [join(folder, 'config.yaml'), join(folder, 'rules.yaml')]
  const { config } = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as { config: object }
  writeFileSync(configFile, stringify(config))
  writeFileSync(rulesFile, rules)
  const args = [join(ROOT, 'apps/cli/bin/talon.mjs'), 'rbac', '-c', configFile, '-r', rulesFile]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  if (status !== 0) throw new Error(`talon rbac ended with ${status}:\n${stderr}`)
  return stdout
}
