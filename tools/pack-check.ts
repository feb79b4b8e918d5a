// Packs each package that is published, and checks what is in it: publint for its manifest, attw for its types.
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly license?: string
}

const folder = mkdtempSync(join(tmpdir(), 'talon-pack-'))
let wrong = 0
let packed = 0
try {
  for (const file of globSync('{packages,apps}/*/package.json')) {
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest
    if (manifest.private) continue
    packed++
    const problems = await check(manifest, dirname(file))
    for (const problem of problems) console.error(`${manifest.name}: ${problem}`)
    wrong += problems.length
  }
} finally {
  rmSync(folder, { recursive: true })
}
console.log(`pack: ${packed} packages, ${wrong} problems`)
process.exitCode = wrong || !packed ? 1 : 0

async function check(manifest: Manifest, path: string): Promise<string[]> {
  const problems: string[] = []
  if (manifest.license !== 'Apache-2.0') problems.push('its licence is not Apache-2.0')
  const output = execFileSync('pnpm', ['pack', '--pack-destination', folder, '--json'], { cwd: path, encoding: 'utf8' })
  const { filename, files } = JSON.parse(output) as { filename: string; files: { path: string }[] }
  const paths = files.map((entry) => entry.path)
  if (!paths.some((name) => name.startsWith('dist/') && name.endsWith('.js')))
    problems.push('dist is empty: build it first')
  for (const name of paths)
    if (/\.test\.|tsbuildinfo|\.env$/.test(name)) problems.push(`${name} does not belong into it`)
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(readFileSync(filename)).buffer },
    strict: true,
  })
  for (const message of messages) problems.push(`publint: ${formatMessage(message, pkg, { color: false })}`)
  try {
    execFileSync('attw', [filename, '--profile', 'esm-only', '--format', 'ascii'], { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    problems.push(`attw: ${(error as { stdout?: string }).stdout ?? String(error)}`)
  }
  return problems
}
