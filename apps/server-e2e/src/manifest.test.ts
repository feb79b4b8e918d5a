import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from './cluster.ts'
import { TALON } from './server.ts'
import { openStand, type Stand } from './stand.ts'

let folder: string
let stand: Stand
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'talon-e2e-evidence-'))
  const output = `output: { target: "local:file", manifest: true, parameters: { destination: "${folder}" } }`
  stand = await openStand(`
- rule: Collect
  match: { rules: [Shell] }
  actions:
    - { action: First, actionner: "kubernetes:log", parameters: { tail_lines: 1 }, ${output} }
    - { action: Second, actionner: "kubernetes:log", parameters: { tail_lines: 5 }, ${output} }
`)
}, 240_000)
afterAll(async () => {
  await stand.close()
  rmSync(folder, { recursive: true })
}, 60_000)

const verify = (path: string) => spawnSync(process.execPath, [TALON, 'verify', path], { encoding: 'utf8' })

describe('evidence with a manifest', { timeout: 240_000 }, () => {
  it('is listed beside what was stored of the event, and talon verify finds what was changed since', async () => {
    await stand.cluster.runPod(stand.namespace, 'web-0')
    await stand.respond('Shell', { 'k8s.ns.name': stand.namespace, 'k8s.pod.name': 'web-0' }, 'output')
    const path = await until(() => {
      const name = readdirSync(folder).find((one) => one.endsWith('.manifest.json'))
      if (name === undefined) return undefined
      const { artifacts } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { artifacts: object[] }
      return artifacts.length === 2 ? join(folder, name) : undefined
    }, 'both artifacts are in the manifest')
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as { event: object; artifacts: { key: string }[] }
    expect(manifest).toMatchObject({
      event: { rule: 'Shell', namespace: stand.namespace, pod: 'web-0', hostname: 'node-1' },
      artifacts: [
        { action: 'First', actionner: 'kubernetes:log', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
        { action: 'Second' },
      ],
    })
    expect(verify(path)).toMatchObject({ status: 0, stdout: expect.stringContaining('2 artifacts, all as') })
    writeFileSync(join(folder, manifest.artifacts[0]?.key ?? ''), 'changed afterwards')
    expect(verify(path)).toMatchObject({ status: 1, stdout: expect.stringContaining('1 of 2 artifacts not as') })
  })
})
