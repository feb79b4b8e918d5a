import type { KeptEntry } from '@talon/core'

/** What a list tells of an entry. */
export interface Line {
  readonly id: string
  readonly state: KeptEntry['state']
  /** RFC 3339. */
  readonly received: string
  readonly event: string
  readonly priority: string
  readonly rules: readonly string[]
  readonly repeats: number
  readonly steps: KeptEntry['steps']
}

/** A journal, wherever it is: of a server that runs, or on a disk. */
export interface JournalSource {
  list(query: { readonly state?: KeptEntry['state']; readonly limit: number }): Promise<readonly Line[]>
  show(id: string): Promise<object | undefined>
  retry(id: string): Promise<boolean>
  drop(id: string): Promise<boolean>
  close(): Promise<void>
}
