import { existsSync, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { delimiter, dirname, resolve } from 'node:path'
import type { Agent } from 'node:http'
import type { RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { ActionError, ConfigError, messageOf } from '@talon/plugin'

/** Where the API is, and how to show who we are. */
export interface Access {
  readonly server: string
  /** Authorization and impersonation. Secrets. */
  readonly headers: Readonly<Record<string, string>>
  readonly tls: Tls
  /** URL of the proxy in between. */
  readonly proxy?: string
  /** The way through the proxy, for WebSockets. */
  readonly agent?: Agent
  /** Changes where connections have to be made anew. */
  readonly generation: number
}

/** What a TLS connection is made with. */
export type Tls = Pick<RequestOptions, (typeof TLS)[number]>

const TLS = ['ca', 'cert', 'key', 'rejectUnauthorized', 'servername'] as const

/** What the API is asked with. Files that hold it may be replaced at any time. */
export interface Credentials {
  /** Reads changed files again first. */
  access(): Promise<Access>
  /** The API did not know us: reads everything again. False where that was done a moment ago. */
  renew(): boolean
}

/** How often changed files are looked for, in milliseconds. client-go reads tokens each minute, certificates each five. */
const LOOK_EVERY = 5000
const RENEW_EVERY = 1000
const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/** Where it is found, and how that is read. */
export interface CredentialsOptions {
  /** Without it: the pod's service account, else what kubectl would take. */
  readonly path?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly make: () => KubeConfig
  /** Reads YAML. */
  readonly parse: (text: string) => unknown
  /** Milliseconds. */
  readonly now: () => number
}

/** Keeps a kubeconfig that is read again when its file, its certificates or its token change. */
export function createCredentials({ path, env, make, parse, now }: CredentialsOptions): Credentials {
  let config = load()
  let generation = 0
  let loaded = now()
  let looked = loaded
  let known: Promise<string> = stamp()

  function load(): KubeConfig {
    const made = make()
    try {
      if (path !== undefined) made.loadFromFile(path)
      else if (env['KUBERNETES_SERVICE_HOST'] && existsSync(TOKEN)) made.loadFromCluster()
      else made.loadFromDefault()
    } catch (error) {
      const place = path === undefined ? '' : ` ${path}`
      throw new ConfigError(
        `kubeconfig${place} cannot be read: ${messageOf(error)}; name another file by kubeconfig, or KUBECONFIG in the environment`,
      )
    }
    const cluster = made.getCurrentCluster()
    if (!cluster)
      throw new ConfigError(
        `kubeconfig${path === undefined ? '' : ` ${path}`} names no cluster: set its current-context`,
      )
    if (path === undefined && cluster.server === 'http://localhost:8080')
      throw new ConfigError('no cluster is named: set kubeconfig, or KUBECONFIG in the environment')
    // kubectl takes plain HTTP as it is, client-node only with this. There is nothing to verify.
    if (cluster.server.startsWith('http:')) Object.assign(cluster, { skipTLSVerify: true })
    return withTokenFiles(made)
  }

  /** Files that may hold the kubeconfig, as kubectl looks for them. */
  function own(): string[] {
    if (path !== undefined) return [path]
    return (env['KUBECONFIG']?.split(delimiter) ?? [`${env['HOME'] ?? ''}/.kube/config`]).filter(Boolean)
  }

  /** client-node does not know `tokenFile`, and would go on as nobody. */
  function withTokenFiles(made: KubeConfig): KubeConfig {
    for (const file of own().filter((one) => existsSync(one)))
      for (const [name, tokenFile] of tokenFilesIn(parse(readFileSync(file, 'utf8')), dirname(file))) {
        const user = made.getUser(name)
        if (user) Object.assign(user, { token: undefined, authProvider: { name: 'tokenFile', config: { tokenFile } } })
      }
    return made
  }

  function files(): string[] {
    const user = config.getCurrentUser()
    const provider = user?.authProvider as { config?: { tokenFile?: string } } | undefined
    const parts = [config.getCurrentCluster()?.caFile, user?.certFile, user?.keyFile, provider?.config?.tokenFile]
    return [...own(), ...parts].filter((file): file is string => Boolean(file))
  }

  async function stamp(): Promise<string> {
    const seen = files().map((file) =>
      stat(file).then(
        ({ mtimeMs, ino, size }) => [mtimeMs, ino, size],
        () => [],
      ),
    )
    return JSON.stringify(await Promise.all(seen))
  }

  function reload(): void {
    try {
      config = load()
      generation++
    } catch {
      // Half written: the old one stays until the next look.
    }
    loaded = now()
    known = stamp()
  }

  async function look(): Promise<void> {
    if (now() - looked < LOOK_EVERY) return
    looked = now()
    if ((await known) !== (await stamp())) reload()
  }

  return {
    async access() {
      await look()
      const options: RequestOptions = {}
      await config.applyToHTTPSOptions(options).catch((error: unknown) => {
        throw new ActionError(
          `the credentials that the kubeconfig names cannot be had: ${messageOf(error)}; try them with kubectl`,
          { cause: error, retryable: true },
        )
      })
      const { headers, agent, auth } = options
      const { server = '', proxyUrl: proxy } = config.getCurrentCluster() ?? {}
      return {
        server: server.replace(/\/+$/, ''),
        headers: {
          // A token's file may end in a newline.
          ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value).trim()])),
          ...(auth && { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` }),
        },
        tls: Object.fromEntries(TLS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))),
        // Without a proxy each socket is made from what was read last, not by an agent that was made once.
        ...(proxy && { proxy, agent: agent as Agent }),
        generation,
      }
    },
    renew() {
      if (now() - loaded < RENEW_EVERY) return false
      reload()
      return true
    },
  }
}

/** The users' names and their token files, with full paths. */
function tokenFilesIn(kubeconfig: unknown, folder: string): (readonly [string, string])[] {
  const { users } = (kubeconfig ?? {}) as { users?: { name?: string; user?: { tokenFile?: string } }[] }
  return (users ?? []).flatMap(({ name, user }) =>
    name !== undefined && user?.tokenFile ? [[name, resolve(folder, user.tokenFile)] as const] : [],
  )
}
