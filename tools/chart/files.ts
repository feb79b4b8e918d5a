import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstParty } from '@talon/bundle'
import { configSchema, Host } from '@talon/core'
import { parse, stringify } from 'yaml'
import { valuesSchema } from './values-schema.ts'

const ROOT = join(import.meta.dirname, '../..')
const STARTER = join(ROOT, 'packages/bundle/rules/starter.yaml')

/** The chart's folder. */
export const CHART = join(ROOT, 'apps/server/chart')

/** What the chart is told by other parts of the repository, by path in the chart: Helm reads no file outside of it. */
export async function chartFiles(): Promise<ReadonlyMap<string, string>> {
  const host = new Host()
  for (const plugin of await firstParty()) host.add(plugin)
  const alerts = readFileSync(join(ROOT, 'docs/observability/alerts.yaml'), 'utf8')
  return new Map([
    ['Chart.yaml', chartYaml()],
    ['values.schema.json', `${JSON.stringify(valuesSchema(configSchema(host)), undefined, 2)}\n`],
    ['files/starter.yaml', readFileSync(STARTER, 'utf8')],
    ['files/role.yaml', starterRole()],
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
  return stringify({
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
  })
}

/** What `talon rbac` prints for the starter rules under the chart's own config. */
function starterRole(): string {
  const folder = mkdtempSync(join(tmpdir(), 'talon-chart-'))
  const config = join(folder, 'config.yaml')
  const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as { config: object }
  writeFileSync(config, stringify(values.config))
  const args = [join(ROOT, 'apps/cli/bin/talon.mjs'), 'rbac', '-c', config, '-r', STARTER]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  if (status !== 0) throw new Error(`talon rbac ended with ${status}:\n${stderr}`)
  return stdout
}
