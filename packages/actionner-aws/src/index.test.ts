import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { checkPlugin } from '@talon/testing'
import { expect, it } from 'vitest'
import plugin from './index.ts'

checkPlugin(plugin)

/** URLs of the modules that a process loads for `names`, one after the other. */
function loadedFor(names: readonly string[]): string[][] {
  const script = `
    import { registerHooks } from 'node:module'
    const all = [];
    let seen = [];
    registerHooks({ load(url, context, next) { seen.push(url); return next(url, context) } })
    for (const name of ${JSON.stringify(names)}) { await import(name); all.push(seen); seen = [] }
    console.log(JSON.stringify(all))`
  const flags = ['--conditions=@talon/source', '--input-type=module', '-e', script]
  const cwd = join(import.meta.dirname, '..')
  return JSON.parse(execFileSync(process.execPath, flags, { cwd, encoding: 'utf8' })) as string[][]
}

it('loads no SDK when it is imported: a check of rules is not to wait for one', () => {
  const isSdk = (url: string) => /@aws-sdk|@smithy/.test(url)
  const [ours = [], theirs = []] = loadedFor(['@talon/actionner-aws', '@aws-sdk/client-lambda'])
  expect(ours.filter((url) => url.includes('/client-aws/src/'))).not.toEqual([])
  expect(ours.filter(isSdk)).toEqual([])
  expect(theirs.filter(isSdk)).not.toEqual([])
})
