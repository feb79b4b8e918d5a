/** What a Lease says. https://kubernetes.io/docs/concepts/architecture/leases/ */
export interface LeaseRecord {
  /** Who holds it; empty where nobody does. */
  readonly holder: string
  /** Where the holder takes what others hand over: `http://10.0.0.7:2803`. */
  readonly address: string
  /** Seconds after which it may be taken, where it was not renewed. */
  readonly duration: number
  /** RFC 3339 with microseconds. */
  readonly acquired: string
  readonly renewed: string
  readonly transitions: number
  /** What the store knows this version by; it changes with each write. */
  readonly version: string
}

/** Where the Lease is kept. Each call ends when its signal aborts. */
export interface LeaseStore {
  read(signal: AbortSignal): Promise<LeaseRecord | undefined>
  /** Rejects where there is one already. */
  create(record: Omit<LeaseRecord, 'version'>, signal: AbortSignal): Promise<LeaseRecord>
  /** Rejects where the version is not the latest. */
  replace(record: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord>
}
