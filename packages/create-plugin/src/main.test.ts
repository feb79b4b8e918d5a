import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { KINDS } from './choice.ts'
import { main } from './main.ts'

let folder: string
let said: string
const hear = (text: string) => void (said += text)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'talon-create-plugin-'))
  said = ''
  vi.spyOn(console, 'log').mockImplementation(hear)
  vi.spyOn(console, 'error').mockImplementation(hear)
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

const make = (name: string, ...options: string[]) => main([join(folder, name), ...options])
const read = (path: string) => readFileSync(join(folder, path), 'utf8')
const manifest = (name: string) => JSON.parse(read(`${name}/package.json`)) as Record<string, unknown>

describe('npm create @talon/plugin', () => {
  it('names package and definition after the folder, and makes an actionner', async () => {
    expect(await make('talon-plugin-acme')).toBe(0)
    expect(said).toContain("Made talon-plugin-acme, which provides the actionner 'acme:quarantine'")
    expect(manifest('talon-plugin-acme')).toMatchObject({ name: 'talon-plugin-acme', license: 'Apache-2.0' })
    expect(read('talon-plugin-acme/src/actionner.ts')).toContain("name: 'acme:quarantine'")
  })

  it.each(KINDS)('leaves no placeholder in %s', async (kind) => {
    expect(await make('x', '--kind', kind)).toBe(0)
    const entries = readdirSync(join(folder, 'x'), { recursive: true, withFileTypes: true })
    for (const { parentPath, name } of entries.filter((entry) => entry.isFile()))
      expect(readFileSync(join(parentPath, name), 'utf8')).not.toMatch(/__[A-Z]+__/)
  })

  it('takes what the options say', async () => {
    const options = ['--package', '@acme/slow', '--name', 'acme:wait', '--license', 'MIT', '--author', 'Ada']
    expect(await make('x', ...options)).toBe(0)
    expect(manifest('x')).toMatchObject({ name: '@acme/slow', license: 'MIT', author: 'Ada' })
    expect(read('x/LICENSE')).toMatch(/^MIT License\n\nCopyright \(c\) \d{4} Ada\n/)
    expect(await make('y', '--license', 'UNLICENSED')).toBe(0)
    expect(readdirSync(join(folder, 'y'))).not.toContain('LICENSE')
    expect(manifest('y')).toMatchObject({ private: true })
  })

  it('pins exact versions, and asks of users a range', async () => {
    await make('x')
    const { devDependencies, peerDependencies } = manifest('x') as Record<string, Record<string, string>>
    for (const version of Object.values(devDependencies ?? {})) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(Object.keys(peerDependencies ?? {})).toEqual(['@talon/plugin', 'zod'])
  })

  it('refuses a folder that holds something, and leaves it as it is', async () => {
    mkdirSync(join(folder, 'x'))
    writeFileSync(join(folder, 'x/mine'), 'mine')
    expect(await make('x')).toBe(2)
    expect(said).toContain('is not empty')
    expect(readdirSync(join(folder, 'x'))).toEqual(['mine'])
  })

  it('takes a folder with nothing but a repository', async () => {
    mkdirSync(join(folder, 'x/.git'), { recursive: true })
    expect(await make('x')).toBe(0)
  })

  it.each([
    [['--kind', 'actioner'], "--kind 'actioner' is none of actionner, output, notifier, context"],
    [['--license', 'GPL'], "--license 'GPL' is none of Apache-2.0"],
    [['--package', 'A b'], 'give one with --package'],
    [['--name', "x'; evil"], 'give one with --name, such as acme:quarantine'],
    [['--name', 'slack', '--kind', 'output'], 'is no name of an output'],
    [['--kin', 'output'], "Unknown option '--kin'"],
    [['two'], "'two' is left over"],
  ])('says what is wrong with %j', async (options, words) => {
    expect(await make('x', ...options)).toBe(2)
    expect(said).toContain(words)
    expect(readdirSync(folder)).toEqual([])
  })

  it('asks nobody where there is no terminal', async () => {
    expect(await main([])).toBe(2)
    expect(said).toContain('name the folder to make: npm create @talon/plugin my-plugin')
  })

  it('explains itself', async () => {
    expect(await main(['--help'])).toBe(0)
    expect(said).toContain('npm create @talon/plugin <folder> -- [options]')
  })
})
