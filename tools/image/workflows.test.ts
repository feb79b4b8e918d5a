import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { binary, builtBinary } from '../cluster/binaries.ts'
import { images } from './images.ts'

const ROOT = join(import.meta.dirname, '../..')
const WORKFLOWS = globSync('.github/workflows/*.yml', { cwd: ROOT }).toSorted()
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions?: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, { readonly uses?: string; readonly 'timeout-minutes'?: number }>>
}

describe('actionlint', async () => {
  const program = await builtBinary('actionlint')
  const missing = program ? undefined : await binary('actionlint').then(() => undefined, String)
  if (missing !== undefined) console.warn(`not run, actionlint over the workflows: ${missing}`)

  it.skipIf(missing !== undefined)('finds nothing wrong in the workflows', async () => {
    // Scripts are checked where shellcheck is at hand; what is found must not depend on that.
    const told = spawnSync(await binary('actionlint'), ['-shellcheck=', '-pyflakes=', ...WORKFLOWS], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    expect(told.stdout + told.stderr).toBe('')
    expect(told.status).toBe(0)
  })
})

describe.each(WORKFLOWS)('%s', (file) => {
  let workflow: Workflow
  beforeAll(() => void (workflow = parse(read(file)) as Workflow))

  it('gives no right to all of its jobs but to read, and runs nothing of a stranger with the rights of the repository', () => {
    expect(workflow.permissions).toBeDefined()
    expect(Object.entries(workflow.permissions ?? {}).filter(([, right]) => right !== 'read')).toEqual([])
    expect(Object.keys(workflow.on)).not.toContain('pull_request_target')
  })

  it('ends each job that hangs', () => {
    const unbounded = Object.entries(workflow.jobs).filter(([, job]) => !job.uses && !job['timeout-minutes'])
    expect(unbounded.map(([name]) => name)).toEqual([])
  })

  it('names a version of each action, and no text of an event in a script', () => {
    for (const [, action = ''] of read(file).matchAll(/uses: (\S+)/g))
      expect(action).toMatch(/^\.\/|@(v\d+(\.\d+)*|[0-9a-f]{40})$/)
    expect(read(file)).not.toMatch(/\$\{\{\s*github\.(event\.|head_ref)/)
  })
})

it('a release knows the bases of the image and the images that actions start', async () => {
  expect((await images()).map(({ use }) => use)).toEqual(
    expect.arrayContaining(['BASE', 'BUILD_BASE', 'kubernetes:sysdig', 'kubernetes:tcpdump']),
  )
})
