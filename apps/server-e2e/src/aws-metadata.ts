import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { binary } from '../../../tools/cluster/binaries.ts'
import { freePort } from './server.ts'

/** AWS's own mock of an instance's metadata service, which demands session tokens (IMDSv2). */
export interface MetadataMock {
  readonly url: string
  /** What it was asked so far. */
  log(): string
  close(): Promise<void>
}

/** What the instance is said to be. */
export interface MockInstance {
  readonly region: string
  /** False: it has no instance profile. */
  readonly profile?: boolean
}

/** Facts that the mock gives of its own accord. */
export const MOCK_PROFILE = {
  arn: 'arn:aws:iam::896453262835:instance-profile/baskinc-role',
  id: 'AIPA5BOGHHXZELSK34VU4',
} as const

/** Starts it; builds it first where the cache has none. Rejects where Go is missing. */
export async function startMetadataMock({ region, profile = true }: MockInstance): Promise<MetadataMock> {
  const program = await binary('ec2-metadata-mock')
  const folder = mkdtempSync(join(tmpdir(), 'talon-metadata-'))
  const paths = profile ? {} : { 'iam-info': '/latest/meta-data/elsewhere' }
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify({ metadata: { paths, values: { 'placement-region': region } } }))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const args = ['--imdsv2', '--hostname', '127.0.0.1', '--port', String(port), '--config-file', config]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = once(child, 'exit')
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)))
  while (!(await fetch(url).catch(() => undefined))) {
    if (child.exitCode !== null) throw new Error(`ec2-metadata-mock ended with ${child.exitCode}:\n${said}`)
    await sleep(20)
  }
  return {
    url,
    log: () => said,
    async close() {
      child.kill('SIGKILL')
      await gone
      rmSync(folder, { recursive: true })
    },
  }
}
