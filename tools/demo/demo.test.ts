import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const START = join(import.meta.dirname, '../start.ts')

it('tells how four rules answer, on a cluster of its own', { timeout: 120_000 }, async () => {
  // A kubeconfig that leads nowhere: the demo must not look at it.
  const env = { ...process.env, KUBECONFIG: '/nowhere', NO_COLOR: '1' }
  const { stdout } = await promisify(execFile)(process.execPath, [START, '--once'], { env })
  for (const rule of ['Shell in a pod', 'Miner', 'Dropped program', 'Secrets were read  dry run'])
    expect(stdout).toMatch(new RegExp(`^  rule +${rule}$`, 'm'))
  expect(stdout).toMatch(/✓ kubernetes:label .* ms\n/)
  expect(stdout).toMatch(/✓ local:file /)
  expect(stdout).toMatch(/✓ kubernetes:terminate .*was deleted/)
  expect(stdout).toMatch(/– kubernetes:terminate .*StatefulSet/)
  expect(stdout).toMatch(/now +web-\S+ has the label suspicious=true · \d+ bytes of evidence on disk/)
  expect(stdout).toMatch(/now +the pod is gone, web-\S+ took its place/)
  expect(stdout).toMatch(/answered 200, a duplicate/)
  expect(stdout.match(/done +[\d.]+ ms after Falco sent it/g)).toHaveLength(4)
})

it('is the plain command line where there are arguments', () => {
  const run = (...args: string[]) => spawnSync(process.execPath, [START, ...args], { encoding: 'utf8' })
  expect(run('version').stdout).toMatch(/^talon /)
  expect(run('check', '-r', join(import.meta.dirname, 'rules.yaml'))).toMatchObject({ status: 0 })
  expect(run('chek').status).toBe(2)
})
