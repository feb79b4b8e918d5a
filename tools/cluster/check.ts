// What a machine must have before a cluster can run on it.
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { builtBinary, clusterBinaries } from './binaries.ts'
import { cniFolder } from './configs.ts'

const programs = [
  'containerd',
  'ctr',
  'runc',
  'busybox',
  'tcpdump',
  'ip',
  'openssl',
  'unshare',
  'setpriv',
  'mount',
  'flock',
]
const plugins = ['bridge', 'host-local', 'loopback']

/** Debian keeps daemons in sbin, which is not in every user's PATH. */
export const searchPath = [process.env['PATH'] ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin'].join(delimiter)

const runnable = (file: string) => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const inPath = (program: string) => searchPath.split(delimiter).some((folder) => runnable(join(folder, program)))

/** One line that says what is missing here and how to get it; undefined where a cluster can run. */
export async function missing(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'Linux (this is ' + process.platform + ')'
  const lacks: string[] = []
  if (process.getuid?.() !== 0) lacks.push('root (run it with sudo)')
  if (!/ cgroup2? /.test(readFileSync('/proc/mounts', 'utf8'))) lacks.push('a mounted cgroup file system')
  const packaged = [
    ...programs.filter((program) => !inPath(program)),
    ...plugins.map((plugin) => join(cniFolder, plugin)).filter((file) => !runnable(file)),
  ]
  if (packaged.length > 0) {
    const names = readFileSync(join(import.meta.dirname, 'debian-packages.txt'), 'utf8')
      .trim()
      .split(/\s+/)
      .join(' ')
    lacks.push(`${packaged.join(' ')} (Debian: apt-get install --no-install-recommends ${names})`)
  }
  const built = await Promise.all(clusterBinaries.map(builtBinary))
  if (built.includes(undefined) && !inPath('go'))
    lacks.push('Go 1.26 to build the control plane once (https://go.dev/dl)')
  return lacks.length === 0 ? undefined : lacks.join('; ')
}
