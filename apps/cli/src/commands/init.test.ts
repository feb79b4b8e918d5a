import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstParty } from '@talon/bundle'
import { Host, readConfig } from '@talon/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { talon } from '../talon.fixture.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'talon-init-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const read = (name: string) => readFileSync(join(folder, name), 'utf8')

describe('talon init', () => {
  it('writes files that check has nothing to say about, and says what comes next', () => {
    const { status, stdout, stderr } = talon(['init'], { cwd: folder })
    expect([status, stderr]).toEqual([0, ''])
    expect(readdirSync(folder).toSorted()).toEqual(['config.yaml', 'rules.yaml'])
    expect(stdout).toContain('talon check -c config.yaml')
    const checked = talon(['check', '--strict', '-c', 'config.yaml'], { cwd: folder })
    expect(checked.stdout).toMatch(/^✓ 30 rules, nothing wrong in rules\.yaml\n$/)
    expect(talon(['check', '--strict'], { cwd: folder }).stdout).toBe(checked.stdout)
  })

  it('writes every setting as a comment that has its default', async () => {
    talon(['init'], { cwd: folder })
    const settings = read('config.yaml').replaceAll(/^# ( *[a-z_0-9]+:)/gm, '$1')
    expect(settings).not.toBe(read('config.yaml'))
    const host = new Host()
    for (const plugin of await firstParty()) host.add(plugin)
    const given = (text: string) => readConfig({ file: { name: 'config.yaml', text }, env: {}, definitions: host })
    const { config, issues } = given(settings)
    expect(issues).toEqual([])
    // What a client's section means where it is empty is for its plugin to say.
    const own = new Set(['notifiers', 'sections', ...host.clients().map(({ name }) => name)])
    const common = (settings: object) => Object.entries(settings).filter(([name]) => !own.has(name))
    expect(common(config)).toEqual(common(given('rules_files: [rules.yaml]').config))
    expect(common(config).length).toBeGreaterThan(10)
    expect(config.notifiers['slack']).toMatchObject({ format: 'long' })
  })

  it('prints a request that a server takes for an event', () => {
    const { stdout } = talon(['init'], { cwd: folder })
    const body = /-d '(.*)'/.exec(stdout)?.[1] ?? ''
    expect(JSON.parse(body)).toMatchObject({ rule: 'Terminal shell in container', output_fields: {} })
  })

  it('makes the folder that is named, and lets nobody else read the config file', () => {
    const { stdout } = talon(['init', "my talon's"], { cwd: folder })
    expect(stdout).toContain(String.raw`cd 'my talon'\''s'`)
    expect(statSync(join(folder, "my talon's", 'config.yaml')).mode & 0o777).toBe(0o600)
  })

  it('overwrites nothing, and writes nothing where one of the files is there', () => {
    writeFileSync(join(folder, 'rules.yaml'), '# mine\n')
    const { status, stdout, stderr } = talon(['init'], { cwd: folder })
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain('rules.yaml is there already')
    expect(readdirSync(folder)).toEqual(['rules.yaml'])
    expect(talon(['init', '--force'], { cwd: folder }).status).toBe(0)
    expect(read('rules.yaml')).not.toBe('# mine\n')
  })
})
