// Programs written in Go that tests run against. They are built once per machine and version, into a cache outside the repository.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, constants, mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

interface Source {
  /** Folder below go/ whose go.mod and go.sum pin the program and all it is made of. */
  readonly folder: string
  /** Package of the program's main function; `.` for the folder's own main.go. */
  readonly package: string
  /** Module whose version names the binary, as go.mod requires it. */
  readonly module: string
  /** The linker's -X settings for a version. */
  readonly settings?: (version: string) => readonly string[]
}

/** Without these a component says v0.0.0-master, which clients cannot parse. */
const kubernetesVersion = (version: string) =>
  [`gitVersion=${version}`, `gitMajor=${version.slice(1).split('.')[0]}`, `gitMinor=${version.split('.')[1]}`].map(
    (setting) => `k8s.io/component-base/version.${setting}`,
  )

const kubernetes = (name: string): Source => ({
  folder: 'k8s',
  package: `k8s.io/kubernetes/cmd/${name}`,
  module: 'k8s.io/kubernetes',
  settings: kubernetesVersion,
})

const sources = {
  'kube-apiserver': kubernetes('kube-apiserver'),
  'kube-controller-manager': kubernetes('kube-controller-manager'),
  kubelet: kubernetes('kubelet'),
  etcd: { folder: 'etcd', package: 'go.etcd.io/etcd/server/v3', module: 'go.etcd.io/etcd/server/v3' },
  kwok: { folder: 'kwok', package: 'sigs.k8s.io/kwok/cmd/kwok', module: 'sigs.k8s.io/kwok' },
  'nats-server': {
    folder: 'nats-server',
    package: 'github.com/nats-io/nats-server/v2',
    module: 'github.com/nats-io/nats-server/v2',
  },
  versitygw: {
    folder: 'versitygw',
    package: 'github.com/versity/versitygw/cmd/versitygw',
    module: 'github.com/versity/versitygw',
  },
  'fake-gcs-server': {
    folder: 'fake-gcs-server',
    package: 'github.com/fsouza/fake-gcs-server',
    module: 'github.com/fsouza/fake-gcs-server',
  },
  mailpit: { folder: 'mailpit', package: 'github.com/axllent/mailpit', module: 'github.com/axllent/mailpit' },
  'ec2-metadata-mock': {
    folder: 'amazon-ec2-metadata-mock',
    package: 'github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock',
    module: 'github.com/aws/amazon-ec2-metadata-mock',
  },
  otelcol: { folder: 'otelcol', package: '.', module: 'go.opentelemetry.io/collector/otelcol' },
  helm: { folder: 'helm', package: 'helm.sh/helm/v4/cmd/helm', module: 'helm.sh/helm/v4' },
  actionlint: {
    folder: 'actionlint',
    package: 'github.com/rhysd/actionlint/cmd/actionlint',
    module: 'github.com/rhysd/actionlint',
  },
  // Takes Loki's pushes, and can be asked what it has; Apache-2.0, as Loki is not.
  'victoria-logs': {
    folder: 'victoria-logs',
    package: 'github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs',
    module: 'github.com/VictoriaMetrics/VictoriaLogs',
  },
} satisfies Record<string, Source>

export type Binary = keyof typeof sources

/** What a cluster is made of. */
export const clusterBinaries = ['kube-apiserver', 'kube-controller-manager', 'kubelet', 'etcd', 'kwok'] as const

/** Where binaries are kept: `$TALON_CACHE`, else `$XDG_CACHE_HOME/talon`, else `~/.cache/talon`. */
export const cacheFolder = () =>
  process.env['TALON_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'talon')

interface Build {
  readonly file: string
  readonly flags: readonly string[]
  readonly source: Source
  readonly folder: string
}

async function buildOf(name: Binary): Promise<Build> {
  const source: Source = sources[name]
  const folder = join(import.meta.dirname, 'go', source.folder)
  const files = ['go.mod', 'go.sum', ...(source.package === '.' ? ['main.go'] : [])]
  const [mod = '', ...rest] = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  const required = mod.split('\n').map((line) =>
    line
      .replace(/^require /, '')
      .trim()
      .split(' '),
  )
  const version = required.find(([module]) => module === source.module)?.[1]
  if (version === undefined) throw new Error(`${folder}/go.mod does not require ${source.module}`)
  const settings = (source.settings?.(version) ?? []).map((setting) => `-X ${setting}`)
  const flags = ['-trimpath', '-ldflags', ['-s -w', ...settings].join(' ')]
  const key = createHash('sha256')
    .update(JSON.stringify([process.arch, mod, ...rest, flags]))
    .digest('hex')
    .slice(0, 8)
  return { file: join(cacheFolder(), 'bin', `${name}-${version}-${key}`), flags, source, folder }
}

const exists = (file: string) =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  )

/** Path of a built binary, or undefined where it was not built yet. */
export async function builtBinary(name: Binary): Promise<string | undefined> {
  const { file } = await buildOf(name)
  return (await exists(file)) ? file : undefined
}

// The kernel drops flock's lock with its holder, so a killed build blocks nobody; a second builder finds the file when its turn comes.
// $0 is the file to make, the arguments are the rest of `go build`.
const buildOnce = 'test -x "$0" || { go build -o "$0.$$" "$@" && mv "$0.$$" "$0"; } || { rm -f "$0.$$"; exit 1; }'

/** Path of a binary, which is built first where the cache has none (minutes). Rejects with the compiler's words. */
export async function binary(name: Binary): Promise<string> {
  const { file, flags, source, folder } = await buildOf(name)
  if (await exists(file)) return file
  await mkdir(join(cacheFolder(), 'bin'), { recursive: true })
  process.stderr.write(`building ${name} into ${file}\n`)
  const lock = join(cacheFolder(), 'build.lock')
  await new Promise<void>((resolve, reject) => {
    spawn('flock', [lock, 'sh', '-c', buildOnce, file, ...flags, source.package], {
      cwd: folder,
      env: { ...process.env, CGO_ENABLED: '0' },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
      .on('error', reject)
      .on('close', (code) =>
        code === 0 ? resolve() : reject(new Error(`${name} was not built: see above (go build in ${folder})`)),
      )
  })
  return file
}
