import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { cacheFolder } from '../../cluster/binaries.ts'

const POM = join(import.meta.dirname, 'pom.xml')

/** Maven's own words go to the standard error; a half-filled folder never gets the name of a whole one. */
const FETCH = `test -d "$0" && exit
mvn -q -B -f "$1" dependency:copy-dependencies -DincludeTypes=jar -DoutputDirectory="$0.$$/lib" >&2 &&
mvn -q -B -f "$1" dependency:unpack-dependencies -DincludeTypes=zip -DoutputDirectory="$0.$$/security" >&2 &&
mv "$0.$$" "$0" || { rm -rf "$0.$$"; exit 1; }`

/**
 * The folder of OpenSearch's jars (`lib`) and of its security plugin (`security`), which Maven fetches where the cache has
 * none (120 MB). Rejects where Java or Maven is missing, in one line.
 */
export async function openSearchJars(): Promise<string> {
  const key = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 8)
  const folder = join(cacheFolder(), `opensearch-${key}`)
  await run('java', ['-version'], 'ignore')
  if (
    await access(folder).then(
      () => true,
      () => false,
    )
  )
    return folder
  await mkdir(cacheFolder(), { recursive: true })
  process.stderr.write(`fetching OpenSearch into ${folder}\n`)
  await run('flock', [join(cacheFolder(), 'opensearch.lock'), 'sh', '-c', FETCH, folder, POM], 'inherit')
  return folder
}

async function run(program: string, args: readonly string[], stderr: 'ignore' | 'inherit'): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', stderr] })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${program} ended with ${code}: OpenSearch cannot be had`)
}
