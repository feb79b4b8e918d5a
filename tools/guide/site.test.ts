import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { brokenFiles, brokenLinks } from './links.ts'
import { ROOT } from './pages.ts'

describe('the site', () => {
  const base = '/talon/'
  const site = mkdtempSync(join(tmpdir(), 'talon-site-'))
  // Where the machine allows it, without any network.
  const alone = spawnSync('unshare', ['--net', 'true']).status === 0 ? ['unshare', '--net'] : []

  beforeAll(() => {
    const [program, ...args] = [...alone, 'npm', 'run', 'site', '--', '--outDir', site]
    const { status, stdout, stderr } = spawnSync(program ?? '', args, {
      cwd: ROOT,
      env: { ...process.env, TALON_DOCS_BASE: base, NX_DAEMON: 'false', NX_TUI: 'false' },
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`npm run site ended with ${status}:\n${stdout}${stderr}`)
  }, 300_000)
  afterAll(() => rmSync(site, { recursive: true }))

  it('has no link that leads nowhere', () => expect(brokenLinks(site, base)).toEqual([]))

  it('has each page of docs/, the generated ones too', () => {
    const pages = globSync('**/*.md', { cwd: join(ROOT, 'docs'), exclude: ['node_modules/**'] })
    const wanted = pages.map((page) => page.replace(/README\.md$/, 'index.md').replace(/\.md$/, '.html'))
    const built = new Set(globSync('**/*.html', { cwd: site }))
    expect(wanted.filter((page) => !built.has(page))).toEqual([])
  })

  it('can be searched', () => {
    const [index = ''] = globSync('assets/chunks/@localSearchIndex*.js', { cwd: site })
    const found = readFileSync(join(site, index), 'utf8')
    expect(
      ['guide/go-live.html', 'reference/actionners/kubernetes-terminate.html'].filter((page) => !found.includes(page)),
    ).toEqual([])
  })

  it('finds a link that leads nowhere', () => {
    expect(brokenLinks(site, '/elsewhere/').length).toBeGreaterThan(0)
  })
})

it.each(['README.md', ...globSync('{apps,packages}/*/README.md', { cwd: ROOT, exclude: ['**/node_modules/**'] })])(
  '%s links files that are there',
  (path) => expect(brokenFiles(path)).toEqual([]),
)
