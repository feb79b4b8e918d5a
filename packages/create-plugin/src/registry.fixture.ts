import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const WORKSPACE = join(import.meta.dirname, '../../..')

interface Manifest {
  readonly name: string
  readonly version: string
}

/** One version of a package: its manifest, and how its archive is made. */
interface Version {
  readonly manifest: Manifest
  archive(): string
}

export interface Registry {
  readonly url: string
  /** Where npm uses this registry, and no settings and no cache of anybody's. */
  readonly env: NodeJS.ProcessEnv
  /** A folder for what the tests make; it goes with the registry. */
  readonly folder: string
  close(): void
}

/**
 * An npm registry on this machine: packages of the workspace as they would be published, by the names of their
 * folders, and what is installed here already. So npm does what it does for users, and no network is needed.
 */
export async function startRegistry(published: readonly string[]): Promise<Registry> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'talon-registry-')))
  const versions = installed(folder)
  for (const path of published) {
    const version = packed(join(WORKSPACE, path), folder)
    versions.set(version.manifest.name, new Map([[version.manifest.version, version]]))
  }
  const server = createServer((request, response) => {
    const [name = '', version] = decodeURIComponent(request.url ?? '')
      .slice(1)
      .split('/-/')
    const found = versions.get(name)
    response.setHeader('content-type', 'application/json')
    if (!found) response.writeHead(404).end('{}')
    else if (version === undefined) response.end(JSON.stringify(packument(name, found, url)))
    else response.end(readFileSync(found.get(version)?.archive() ?? ''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    folder,
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      NO_COLOR: '1',
      npm_config_registry: `${url}/`,
      npm_config_cache: join(folder, 'cache'),
      npm_config_userconfig: join(folder, 'npmrc'),
      npm_config_update_notifier: 'false',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_yes: 'true',
    },
    close() {
      server.close()
      server.closeAllConnections()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function packument(name: string, versions: ReadonlyMap<string, Version>, url: string): object {
  const entries = [...versions].map(([version, { manifest }]) => [
    version,
    { ...manifest, dist: { tarball: `${url}/${name}/-/${version}` } },
  ])
  return { name, 'dist-tags': { latest: [...versions.keys()].at(-1) }, versions: Object.fromEntries(entries) as object }
}

/** Every package that pnpm installed in this workspace. */
function installed(folder: string): Map<string, Map<string, Version>> {
  const versions = new Map<string, Map<string, Version>>()
  const store = join(WORKSPACE, 'node_modules/.pnpm')
  for (const file of globSync('*/node_modules/{*,@*/*}/package.json', { cwd: store })) {
    const path = dirname(join(store, file))
    // The package itself lies there; what it depends on is linked.
    if (realpathSync(path) !== path) continue
    const manifest = read(path)
    const known = versions.get(manifest.name) ?? new Map<string, Version>()
    versions.set(
      manifest.name,
      known.set(manifest.version, { manifest, archive: () => archived(path, manifest, folder) }),
    )
  }
  return versions
}

const read = (path: string) => JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest

function archived(path: string, { name, version }: Manifest, folder: string): string {
  const archive = join(folder, 'archives', `${name.replace('/', '-')}-${version}.tgz`)
  mkdirSync(dirname(archive), { recursive: true })
  // pnpm links files of one content to each other; npm takes no links out of an archive.
  const options = ['--transform=s,^\\.,package,', '--exclude=./node_modules', '--hard-dereference']
  execFileSync('tar', [...options, '-czf', archive, '-C', path, '.'])
  return archive
}

/** A package of the workspace, packed as it would be published. */
function packed(path: string, folder: string): Version {
  const output = execFileSync('pnpm', ['pack', '--json', '--pack-destination', folder], { cwd: path, encoding: 'utf8' })
  const { filename } = JSON.parse(output) as { filename: string }
  const manifest = JSON.parse(
    execFileSync('tar', ['-xzOf', filename, 'package/package.json'], { encoding: 'utf8' }),
  ) as Manifest
  return { manifest, archive: () => filename }
}
