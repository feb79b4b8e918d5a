import { get, type RequestOptions } from 'node:https'
import { json } from 'node:stream/consumers'
import { KubeConfig } from '@kubernetes/client-node'

interface Discovered {
  readonly items: readonly {
    readonly metadata?: { readonly name?: string }
    readonly versions: readonly {
      readonly resources?: readonly { readonly resource: string; readonly scope: string; readonly verbs: string[] }[]
    }[]
  }[]
}

/** The kinds of a cluster that have no namespace and can be deleted: `nodes`, `clusterroles.rbac.authorization.k8s.io`. */
export async function clusterScopedKinds(kubeconfig: string): Promise<string[]> {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const headers = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' }
  const options: RequestOptions = { headers }
  await config.applyToHTTPSOptions(options)
  const read = (path: string) =>
    new Promise<Discovered>((resolve, reject) => {
      get(`${config.getCurrentCluster()?.server}${path}`, { ...options, headers }, (response) => {
        json(response).then((body) => resolve(body as Discovered), reject)
      }).on('error', reject)
    })
  const found = await Promise.all(['/api', '/apis'].map(read))
  return found.flatMap(({ items }) =>
    items.flatMap(({ metadata, versions }) =>
      (versions[0]?.resources ?? [])
        .filter(({ scope, verbs }) => scope === 'Cluster' && verbs.includes('delete'))
        .map(({ resource }) => (metadata?.name ? `${resource}.${metadata.name}` : resource)),
    ),
  )
}
