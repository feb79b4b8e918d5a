import type { Logger } from '@talon/plugin'

/** Where NATS is, and who this server is there. */
export interface NatsConnectionOptions {
  /** `nats://host:4222` or `tls://host:4222`; one that answers is enough, the rest of its cluster is found from there. */
  readonly servers: readonly string[]
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly token?: string | undefined
  /** Path of a credentials file (`.creds`). Read at each connection: it may be renewed. */
  readonly credentials?: string | undefined
  /** Paths of PEM files, read at each connection, too. `ca` alone asks for TLS; `cert` and `key` say who this server is. */
  readonly tls?: {
    readonly ca?: string | undefined
    readonly cert?: string | undefined
    readonly key?: string | undefined
  }
}

export interface NatsJournalOptions {
  readonly connection: NatsConnectionOptions
  /** This server's name: unlike every other's, and the same after a restart. */
  readonly name: string
  /** Streams and subjects begin with it: servers that share it share the work. */
  readonly prefix: string
  /** On how many servers of a NATS cluster everything is kept. */
  readonly replicas: number
  /** How many unfinished events all servers hold together before they say `full`. A tenth is kept for Critical and above. */
  readonly maxEvents: number
  /** Bytes: half for unfinished events, a quarter for those that are done, an eighth for those that failed. */
  readonly maxBytes: number
  /** Milliseconds that events which are done stay for `list` and `show`. */
  readonly keep: number
  /** Milliseconds of the longest window of deduplication. */
  readonly window: number
  /** Milliseconds after which the work of a server that says nothing is another's. All servers have the same. */
  readonly lease: number
  /** Milliseconds that a start waits for NATS. */
  readonly patience?: number
  /** Epoch milliseconds: windows go by it on all servers. */
  readonly now: () => number
  /** Milliseconds of a clock that is never set back, and that goes on while the process does not. */
  readonly monotonic: () => number
  readonly log: Logger
  /** Told of each thing that NATS refused, for a metric. */
  readonly onTrouble?: () => void
}
