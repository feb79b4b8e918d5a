import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import { PackageURL } from 'packageurl-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildFolder } from './folder.ts'

interface Component {
  readonly name: string
  readonly group?: string
  readonly version: string
  readonly purl: string
  readonly licenses?: readonly { readonly license?: { readonly id?: string }; readonly expression?: string }[]
}

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'talon-folder-'))
  await buildFolder(folder)
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true }))

const read = (path: string) => readFileSync(join(folder, path), 'utf8')
const components = () => (JSON.parse(read('talon/sbom.cdx.json')) as { components: Component[] }).components
const nameOf = ({ group, name, version }: Component) => `${group ? `${group}/` : ''}${name}@${version}`

/** Packages as the folder itself shows them: by the comment above each module of the bundle, and by what lies beside it. */
function shown(): Set<string> {
  const found = new Set<string>()
  for (const file of globSync('talon/dist/*.js', { cwd: folder }))
    for (const [, name = '', version] of read(file).matchAll(/^\/\/ node_modules\/\.pnpm\/(@?[^@/]+)@([^_/]+)/gm))
      found.add(`${name.replace('+', '/')}@${version}`)
  for (const file of globSync('{talon/,}node_modules/{*,@*/*}/package.json', { cwd: folder })) {
    const { name, version } = JSON.parse(read(file)) as { name: string; version: string }
    found.add(`${name}@${version}`)
  }
  return found
}

/** Licences that Talon may pass on under its own; another one is a decision. */
const TAKEN = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Unlicense',
]

describe('the bill of materials', () => {
  it('is CycloneDX 1.6', async () => {
    const found = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(read('talon/sbom.cdx.json'))
    expect(found).toBeNull()
  })

  it('lists what the folder is made of, and nothing else', () => {
    const others = components()
      .map(nameOf)
      .filter((name) => !name.startsWith('@talon/') || name.startsWith('@talon/plugin@'))
    expect(shown().size).toBeGreaterThan(50)
    expect(others.toSorted()).toEqual([...shown()].toSorted())
  })

  it('names each package by an address', () => {
    for (const { purl, version, name } of components())
      expect(PackageURL.fromString(purl)).toMatchObject({ type: 'npm', name, version })
  })

  it('names licences that Talon may pass on, for each', () => {
    const idsOf = ({ licenses = [] }: Component) =>
      licenses.flatMap(({ license, expression }) => license?.id ?? expression?.split(/[ ()]+|\bOR\b|\bAND\b/) ?? [])
    const wrong = components().filter((one) => {
      const ids = idsOf(one).filter((id) => id !== '')
      return !ids.length || ids.some((id) => !TAKEN.includes(id))
    })
    expect(wrong.map((one) => [nameOf(one), one.licenses])).toEqual([])
  })

  it('is passed on with the licences themselves', () => {
    const texts = read('talon/THIRD-PARTY-LICENSES')
    const others = components().filter(({ group }) => group !== '@talon')
    for (const { group, name, version } of others)
      expect(texts).toContain(`${group ? `${group}/` : ''}${name} ${version} (`)
  })
})

describe('the folder', () => {
  it('has nothing that only compilers read, no key, no test, and no link that leads out of it', () => {
    const files = globSync('**', { cwd: folder })
    expect(files.filter((file) => /\.[cm]?ts$|\.map$|\.pem$|\.test\.|\.env/.test(file))).toEqual([])
    expect(statSync(join(folder, 'usr/local/bin/talon')).mode & 0o111).not.toBe(0)
  })

  it('lacks nothing: each chunk loads where no other package is to be seen, gRPC by itself', () => {
    const program = `
      import { createRequire } from 'node:module'
      for (const file of process.argv.slice(1)) await import(file)
      createRequire(process.argv[1])('@grpc/grpc-js').credentials.createInsecure()`
    const chunks = globSync('*.js', { cwd: join(folder, 'talon/dist') }).filter(
      (file) => !/^(main|worker)\./.test(file),
    )
    const args = ['--input-type=module', '--eval', program, ...chunks.map((file) => join(folder, 'talon/dist', file))]
    expect(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })).toBe('')
    expect(chunks.length).toBeGreaterThan(50)
  })

  it('loads no SDK before it is needed: no chunk of Talon imports one at once', () => {
    const files = globSync('*.js', { cwd: join(folder, 'talon/dist') })
    const sdks =
      /^(kubernetes-client-node|aws-sdk-client|google-auth|minio|nodemailer|undici|nats-io|opentelemetry-otlp)/
    const reached = new Set<string>(files.filter((file) => /^(main|worker|talon-)/.test(file)))
    for (const file of reached)
      for (const [, next = ''] of read(`talon/dist/${file}`).matchAll(/^import .*?"\.\/([^"]+)"/gm)) reached.add(next)
    expect(files.filter((file) => sdks.test(file)).length).toBeGreaterThan(5)
    expect([...reached].filter((file) => sdks.test(file))).toEqual([])
  })
})
