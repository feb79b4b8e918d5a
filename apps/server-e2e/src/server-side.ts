import { request } from 'node:https'
import { KubeConfig, type KubernetesObject } from '@kubernetes/client-node'

/** What the API server says of an object that it is asked to create, and does not keep. */
export interface Verdict {
  /** Empty where it would take it; else why not. */
  readonly error: string
  readonly warnings: readonly string[]
  readonly object: KubernetesObject
}

/** Asks a real API server, with nothing between: clients hide the warnings. */
export function serverSide(kubeconfig: string) {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const base = config.getCurrentCluster()?.server ?? ''

  async function ask(method: string, path: string, body?: object) {
    const options = { method, headers: { 'content-type': 'application/json' } }
    await config.applyToHTTPSOptions(options)
    return new Promise<{ status: number; warnings: string[]; body: KubernetesObject & { message?: string } }>(
      (resolve, reject) => {
        const asked = request(base + path, options, (answer) => {
          let text = ''
          answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
          answer.on('error', reject)
          answer.on('end', () =>
            resolve({
              status: answer.statusCode ?? 0,
              warnings: [answer.headers['warning'] ?? []].flat(),
              // A group that is not served is told of as plain text.
              body: (text.startsWith('{') ? JSON.parse(text) : { message: text }) as KubernetesObject,
            }),
          )
        })
        asked.on('error', reject)
        asked.end(body && JSON.stringify(body))
      },
    )
  }

  /** Server-side dry run of a creation, unknown fields being errors. */
  return async function create(object: KubernetesObject): Promise<Verdict> {
    const { apiVersion = '', kind = '', metadata } = object
    const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    const { body: found } = await ask('GET', group)
    const { resources = [] } = found as { resources?: { kind: string; name: string; namespaced: boolean }[] }
    const resource = resources.find((one) => one.kind === kind && !one.name.includes('/'))
    if (!resource) return { error: `${group} has no ${kind}`, warnings: [], object }
    const where = resource.namespaced ? `/namespaces/${metadata?.namespace}` : ''
    const path = `${group}${where}/${resource.name}?dryRun=All&fieldValidation=Strict`
    const { status, warnings, body } = await ask('POST', path, object)
    return { error: status === 201 ? '' : (body.message ?? String(status)), warnings, object: body }
  }
}
