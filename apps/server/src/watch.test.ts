import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '@talon/plugin'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { reloader } from './reload.ts'
import { watchFiles } from './watch.ts'

const failed = vi.fn()
const log: Logger = { debug() {}, info() {}, warn() {}, error: failed }
let folder: string
let ending: AbortController
let watching: Promise<void>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'talon-watch-'))
  ending = new AbortController()
})
afterEach(async () => {
  ending.abort()
  await watching
  rmSync(folder, { recursive: true })
})

/** Watches one rules file as the server does, and gives the texts that were taken over. */
async function watchRules(path: string, refuse: (text: string) => boolean = () => false): Promise<string[]> {
  const taken: string[] = []
  const { look } = reloader({
    talon: {
      reload: async ([{ text } = { text: '' }]) => {
        if (refuse(text)) throw new Error('the rules are wrong')
        taken.push(text)
        return []
      },
      ruleset: { hash: '', rules: [], candidates: () => [] },
    },
    paths: [path],
    loaded: [{ name: path, text: 'first' }],
    log,
    told: () => {},
  })
  const looked = vi.fn(look)
  watching = watchFiles([path], looked, { signal: ending.signal, log })
  await vi.waitFor(() => expect(looked).toHaveBeenCalled())
  return taken
}

const patience = { timeout: 20_000, interval: 20 }

describe('watching the rules', () => {
  it('takes a file that was written anew', async () => {
    const path = join(folder, 'rules.yaml')
    writeFileSync(path, 'first')
    const taken = await watchRules(path)
    writeFileSync(path, 'second')
    // A write is two changes, and the first may be seen by itself.
    await vi.waitFor(() => expect(taken.at(-1)).toBe('second'), patience)
  })

  it('takes a file that an editor put in place of the old one', async () => {
    const path = join(folder, 'rules.yaml')
    writeFileSync(path, 'first')
    const taken = await watchRules(path)
    for (const text of ['second', 'third']) {
      writeFileSync(`${path}~`, text)
      renameSync(`${path}~`, path)
      await vi.waitFor(() => expect(taken.at(-1)).toBe(text), patience)
    }
  })

  it('sees how kubelet swaps the link ..data of a ConfigMap', async () => {
    const mount = (version: string, text: string) => {
      mkdirSync(join(folder, version))
      writeFileSync(join(folder, version, 'rules.yaml'), text)
      symlinkSync(version, join(folder, '..data_tmp'))
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    }
    mount('..2026_1', 'first')
    const path = join(folder, 'rules.yaml')
    symlinkSync('..data/rules.yaml', path)
    const taken = await watchRules(path)
    mount('..2026_2', 'second')
    rmSync(join(folder, '..2026_1'), { recursive: true })
    await vi.waitFor(() => expect(taken).toEqual(['second']), patience)
    mount('..2026_3', 'third')
    await vi.waitFor(() => expect(taken).toEqual(['second', 'third']), patience)
  })

  it('follows a link into another folder', async () => {
    mkdirSync(join(folder, 'elsewhere'))
    mkdirSync(join(folder, 'here'))
    const real = join(folder, 'elsewhere/rules.yaml')
    writeFileSync(real, 'first')
    symlinkSync(real, join(folder, 'here/rules.yaml'))
    const taken = await watchRules(join(folder, 'here/rules.yaml'))
    writeFileSync(real, 'second')
    await vi.waitFor(() => expect(taken).toEqual(['second']), patience)
  })

  it('says once that rules are wrong, keeps watching, and leaves other files alone', async () => {
    const path = join(folder, 'rules.yaml')
    writeFileSync(path, 'first')
    const taken = await watchRules(path, (text) => text === 'wrong')
    failed.mockClear()
    writeFileSync(path, 'wrong')
    await vi.waitFor(() => expect(failed).toHaveBeenCalled(), patience)
    const said = failed.mock.calls.length
    writeFileSync(join(folder, 'other.txt'), 'x')
    writeFileSync(path, 'right')
    await vi.waitFor(() => expect(taken).toEqual(['right']), patience)
    expect(failed).toHaveBeenCalledTimes(said)
  })
})
