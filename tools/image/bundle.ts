import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { rolldown, type Plugin } from 'rolldown'
import { closureOf, dependencyOf, packageOf, type Package } from './package.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Where execution begins: the command, and the thread of the journal, which is loaded by its address. */
const ENTRIES = {
  main: join(ROOT, 'apps/cli/src/main.ts'),
  worker: join(ROOT, 'packages/journal-sqlite/src/worker.ts'),
}

/** What cannot be bundled: OpenTelemetry asks for it with a `require` that it makes at run time. */
const EXTERNAL = '@grpc/grpc-js'

/**
 * Of packages that are imported whole when they are needed, what Talon takes: the rest, sixteen megabytes of
 * generated classes, is left out. A name that is missing here shows in the first test that connects to Kubernetes.
 */
const TAKEN: Readonly<Record<string, readonly string[]>> = { '@kubernetes/client-node': ['KubeConfig'] }
/** client-node does not say so, but of its files only this one does something when it is imported. */
const PURE = /\/@kubernetes\/client-node\/dist\/(?!polyfill\.js$)/

const onlyTaken: Plugin = {
  name: 'only-taken',
  async resolveId(source, importer, { kind }) {
    if (kind !== 'dynamic-import' || !TAKEN[source]) return undefined
    const entry = await this.resolve(source, importer, { skipSelf: true })
    return entry && { ...entry, id: `${entry.id}?taken=${TAKEN[source].join()}` }
  },
  load(id) {
    const [file, names] = id.split('?taken=')
    return names === undefined ? undefined : `export { ${names} } from ${JSON.stringify(file)}`
  },
}

export interface Bundled {
  /** Packages of which something is in the bundle. */
  readonly inside: readonly Package[]
  /** Packages that it asks for at run time: they are to lie beside it as they were published. */
  readonly beside: readonly Package[]
}

/**
 * Bundles the command and the server into a folder: plugins and SDKs are chunks of their own, loaded when they are needed.
 * Not minified, and without source maps: a stack trace names function, chunk and package as it is.
 */
export async function bundle(folder: string): Promise<Bundled> {
  let asks: string | undefined
  const build = await rolldown({
    input: ENTRIES,
    cwd: ROOT,
    platform: 'node',
    resolve: { conditionNames: ['@talon/source', 'node', 'import', 'module', 'default'] },
    external(source, importer) {
      if (source === EXTERNAL) asks = importer
      return source === EXTERNAL
    },
    treeshake: { moduleSideEffects: [{ test: PURE, sideEffects: false }] },
    tsconfig: false,
    // Files that lie beside code, and are read by their address, come along.
    experimental: { resolveNewUrlToAsset: true },
    plugins: [onlyTaken],
    onLog(level, { message }) {
      if (level === 'warn') throw new Error(`the bundle: ${message}`)
    },
  })
  const { output } = await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    assetFileNames: '[name]-[hash][extname]',
    chunkFileNames: ({ moduleIds }) => `${ownerOf(moduleIds)}-[hash].js`,
  })
  await build.close()
  if (asks === undefined) throw new Error(`nobody asks for ${EXTERNAL} any more: leave it out of tools/image/bundle.ts`)
  const files = output.flatMap((chunk) => (chunk.type === 'chunk' ? filesOf(chunk.moduleIds) : []))
  const inside = new Map(files.map((file) => packageOf(file)).map((one) => [one.folder, one]))
  return { inside: [...inside.values()], beside: closureOf(dependencyOf({ folder: dirname(asks) }, EXTERNAL)) }
}

/** Files of modules; those that the bundler makes up have none. */
const filesOf = (ids: readonly string[]) =>
  ids.filter((id) => id.startsWith('/')).map((id) => realpathSync(id.replace(/\?.*$/, '')))

/** The package that names a chunk: that of its last module, which is what the others are there for. */
function ownerOf(ids: readonly string[]): string {
  const file = filesOf(ids).at(-1)
  return file === undefined ? 'runtime' : packageOf(file).manifest.name.replace('@', '').replace('/', '-')
}
