import 'reflect-metadata'
import {
  ConfigError,
  type Actionner,
  type Client,
  type ContextSource,
  type Issue,
  type Logger,
  type Notifier,
  type Opened,
  type Output,
  type Plugin,
  type Uses,
} from '@talon/plugin'
import { container as root, instanceCachingFactory, type DependencyContainer } from 'tsyringe'
import type { z } from 'zod'

interface Definitions {
  actionner: Actionner
  output: Output
  notifier: Notifier
  context: ContextSource
}
export type Kind = keyof Definitions

export interface HostOptions {
  /** The settings of a client, as the config file has them: its own section. */
  readonly settings?: (client: string) => unknown
  readonly log?: Logger
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const tokenOf = (kind: Kind | 'client', name: string) => `talon:${kind}:${name}`

/** Keeps the plugins, and opens the clients that they share. The only file that knows the container. */
export class Host {
  readonly #container: DependencyContainer = root.createChildContainer()
  readonly #names: Record<Kind, string[]> = { actionner: [], output: [], notifier: [], context: [] }
  /** By name: the first of it, and the plugin that brought it. */
  readonly #clients = new Map<string, { readonly client: Client; readonly plugin: string }>()
  readonly #doubts: Issue[] = []
  readonly #provided = new Set<string>()
  readonly #closers: (() => unknown)[] = []
  readonly #settings: (client: string) => unknown
  readonly #log: Logger

  constructor({ settings = () => undefined, log = silent }: HostOptions = {}) {
    this.#settings = settings
    this.#log = log
  }

  /** @throws ConfigError where the plugin is none, or provides what another one provides already. */
  add(plugin: Plugin): this {
    if (plugin?.contract !== 1)
      throw new ConfigError(`${plugin?.name ?? 'the module'} is no plugin of contract 1: update it, or Talon`)
    for (const definition of plugin.provides) {
      const token = tokenOf(definition.kind, definition.name)
      if (this.#container.isRegistered(token))
        throw new ConfigError(`plugin ${plugin.name}: the ${definition.kind} '${definition.name}' is provided already`)
      this.#container.registerInstance(token, definition)
      this.#names[definition.kind].push(definition.name)
      for (const client of Object.values<Client>(definition.uses)) this.#know(client, plugin.name)
    }
    return this
  }

  /** Uses `value` in place of what `client` would open: an embedder's own, or a fake in a test. It is not closed. */
  provide<T>(client: Client<T>, value: T): this {
    this.#container.registerInstance(tokenOf('client', client.name), Promise.resolve(value))
    this.#provided.add(client.name)
    return this
  }

  /** Opens the client and asks whether the other side can be reached. What an embedder provided is taken as it is. */
  async check(client: Client, signal: AbortSignal): Promise<void> {
    const value: unknown = await this.#client(client)
    if (!this.#provided.has(client.name)) await client.check?.(value, signal)
  }

  find<K extends Kind>(kind: K, name: string): Definitions[K] | undefined {
    const token = tokenOf(kind, name)
    return this.#container.isRegistered(token) ? this.#container.resolve<Definitions[K]>(token) : undefined
  }

  /** All definitions of a kind, by name. */
  list<K extends Kind>(kind: K): Definitions[K][] {
    return this.#names[kind].toSorted().flatMap((name) => this.find(kind, name) ?? [])
  }

  /** The clients that plugins may use, whether they are open or not. */
  clients(): Client[] {
    return [...this.#clients.values()].map(({ client }) => client)
  }

  /** What is doubtful about the plugins. */
  get doubts(): readonly Issue[] {
    return this.#doubts
  }

  /** Opens what is not open yet. @throws ConfigError where a client's settings are wrong. */
  async open<U extends Uses>(uses: U): Promise<Opened<U>> {
    const opened: Record<string, unknown> = {}
    for (const [key, client] of Object.entries(uses)) opened[key] = await this.#client(client)
    return opened as Opened<U>
  }

  /** Closes what it opened, the last first. Every closing is tried; what went wrong is logged. */
  async close(): Promise<void> {
    for (const close of this.#closers.splice(0))
      try {
        await close()
      } catch (error) {
        this.#log.warn('a client could not be closed', { error: String(error) })
      }
  }

  /** Clients are shared by name. The copy of one that a plugin has in packages of its own is meant to be the same. */
  #know(client: Client, plugin: string): void {
    const known = this.#clients.get(client.name)
    if (!known) this.#clients.set(client.name, { client, plugin })
    if (!known || known.client === client || known.client.summary === client.summary) return
    const message = `plugin ${plugin}: its client '${client.name}' is never opened: ${known.plugin} has another one of that name, which serves both`
    const hint = 'give it a name of its own; its settings are the section of that name'
    if (!this.#doubts.some((doubt) => doubt.message === message)) this.#doubts.push({ level: 'warning', message, hint })
  }

  #client<T>(given: Client<T>): Promise<T> {
    // Whoever asks first: it is the same for all.
    const client = (this.#clients.get(given.name)?.client as Client<T> | undefined) ?? given
    const token = tokenOf('client', client.name)
    if (!this.#container.isRegistered(token)) this.#register(token, client)
    return this.#container.resolve<Promise<T>>(token)
  }

  #register<T>(token: string, client: Client<T>): void {
    const open = () =>
      this.#open(client).catch((error: unknown) => {
        this.#register(token, client) // a failed opening is forgotten, so that it can be tried again
        throw error
      })
    this.#container.register<Promise<T>>(token, { useFactory: instanceCachingFactory(open) })
  }

  async #open<T>(client: Client<T>): Promise<T> {
    const parsed = (client.settings as z.ZodObject).safeParse(this.#settings(client.name) ?? {})
    if (!parsed.success)
      throw new ConfigError(
        parsed.error.issues.map(({ path, message }) => ({
          level: 'error',
          message: `${[client.name, ...path].join('.')}: ${message}`,
        })),
      )
    const value = await client.open(parsed.data, { log: this.#log })
    if (client.close) this.#closers.unshift(() => client.close?.(value))
    return value
  }
}
