import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import { canAdopt, windowOf, type Config, type Journal } from '@talon/core'
import { ConfigError, type Logger } from '@talon/plugin'
import type { Replica } from '@talon/replicas'
import type { Replication } from './replica-route.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface ReplicationParts {
  readonly journal: Journal
  readonly config: Config
  readonly env: Environment
  readonly log: Logger
}

/** Where Kubernetes tells a pod which namespace it is in. */
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'

/**
 * Joins the other servers of the namespace. Undefined where the settings do not ask for it, where this is no pod, and
 * where no secret is shared: then this server acts for itself.
 */
export async function replicate({
  journal,
  config,
  env,
  log,
}: ReplicationParts): Promise<(Replication & { readonly replica: Replica }) | undefined> {
  const { leader_election, secret, lease } = config.deduplication
  // What servers share already, such as JetStream, needs no leader.
  if (!leader_election || !canAdopt(journal)) return undefined
  const namespace = await namespaceOf(env)
  if (namespace === undefined) return undefined
  if (!secret) {
    log.warn(
      'this server acts for itself: where there are several, one cause is answered by each; give them one deduplication.secret',
    )
    return undefined
  }
  const [{ createLink, createSealer, elect, endpointOf, replicate }, { kubernetes }, { leaseStore }] =
    await Promise.all([import('@talon/replicas'), import('@talon/client-kubernetes'), import('./lease-store.ts')])
  const client = await kubernetes.open(kubernetes.settings.parse(config), { log })
  const name = hostname()
  const address = addressOf(config, env)
  const sealer = createSealer(secret)
  const election = elect({
    store: leaseStore(client, namespace, lease.name),
    identity: `${name}_${randomUUID()}`,
    address,
    times: lease,
    log,
    now: () => performance.now(),
  })
  const replica = replicate({
    journal,
    election,
    link: createLink(sealer),
    self: { name: env['POD_NAME'] ?? name, address },
    windowOf: (event) => windowOf(event, config.deduplication),
    log,
    now: Date.now,
  })
  const close = async () => {
    await replica.close()
    await client.close()
  }
  return { replica: { ...replica, close }, sealer, endpoint: endpointOf(address) }
}

async function namespaceOf(env: Environment): Promise<string | undefined> {
  if (env['POD_NAMESPACE']) return env['POD_NAMESPACE']
  if (!env['KUBERNETES_SERVICE_HOST']) return undefined
  return (await readFile(NAMESPACE_FILE, 'utf8').catch(() => '')).trim() || undefined
}

/** The pod's own address: the setting, the downward API's, else the first that is not the loopback's. */
function addressOf({ deduplication, listen_port, tls }: Config, env: Environment): string {
  if (deduplication.address) return deduplication.address
  const own = Object.values(networkInterfaces())
    .flat()
    .find((at) => at && !at.internal && !at.address.startsWith('fe80'))?.address
  const ip = env['POD_IP'] ?? own
  if (!ip)
    throw new ConfigError(
      'this server has no address for the others: set deduplication.address (DEDUPLICATION_ADDRESS)',
    )
  return `http${tls.cert_file ? 's' : ''}://${ip.includes(':') ? `[${ip}]` : ip}:${listen_port}`
}
