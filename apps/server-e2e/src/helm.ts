import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KubernetesObject } from '@kubernetes/client-node'
import { parseAllDocuments, stringify } from 'yaml'
import { binary, builtBinary } from '../../../tools/cluster/binaries.ts'

/** The chart under test. */
export const CHART = join(import.meta.dirname, '../../server/chart')
/** Name of the releases. */
export const RELEASE = 'talon'

export interface Helm {
  /** Runs Helm with these values; `args` come first. */
  run(args: readonly string[], values?: object): { readonly status: number | null; readonly output: string }
  /** What the chart makes of values, in a namespace. @throws with Helm's words where it makes nothing. */
  render(namespace: string, values?: object): KubernetesObject[]
}

/** Helm; undefined where it is not built and cannot be, which is said. */
export async function openHelm(what: string): Promise<Helm | undefined> {
  const program =
    (await builtBinary('helm')) ??
    (await binary('helm').catch((error: unknown) => {
      process.stderr.write(`not run without helm: ${what} (${String(error)})\n`)
      return undefined
    }))
  if (program === undefined) return undefined
  const run: Helm['run'] = (args, values) => {
    const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-helm-'))
    writeFileSync(join(folder, 'values.yaml'), stringify(values ?? {}))
    const given = values ? ['-f', join(folder, 'values.yaml')] : []
    // Nothing of whoever runs the tests: no plugins, no repositories, no context of a cluster.
    const env = { PATH: process.env['PATH'], HOME: folder }
    const { status, stdout, stderr } = spawnSync(program, [...args, ...given], { encoding: 'utf8', env })
    rmSync(folder, { recursive: true })
    return { status, output: stdout + stderr }
  }
  return {
    run,
    render(namespace, values) {
      const { status, output } = run(['template', RELEASE, CHART, '-n', namespace], values)
      if (status !== 0) throw new Error(output)
      const documents = parseAllDocuments(output)
      const wrong = documents.flatMap((one) => one.errors)
      if (wrong.length) throw new Error(`the chart renders no YAML: ${wrong.join('\n')}`)
      return documents.map((one) => one.toJS() as KubernetesObject | null).filter((one) => one !== null)
    },
  }
}
