import type { Obstacle } from './database.ts'
import type { Figures, Operation, Reply } from './operations.ts'

/** What the thread is started with. */
export interface Setting {
  readonly file: string
  readonly maxEvents: number
  /** Milliseconds that a finished entry is kept. */
  readonly keep: number
  readonly onFailure: 'refuse' | 'memory'
  /** Now, in epoch milliseconds. */
  readonly at: number
}

/** To the thread. It is sent one group at a time. */
export type Asked = { readonly operations: readonly Operation[]; readonly at: number } | 'close'

/** A damaged file that was moved, and how many of its events were taken over. */
export interface Aside {
  readonly file: string
  readonly salvaged: number
}

/** From the thread. `last`: the highest place that an earlier run gave; `lost`: operations that were in memory alone. */
export type Told =
  | { readonly about: 'ready'; readonly last: number; readonly figures: Figures; readonly aside?: Aside }
  | { readonly about: 'unopened'; readonly why: Obstacle; readonly message: string }
  | { readonly about: 'reply'; readonly reply: Reply }
  | { readonly about: 'closed'; readonly lost: number }
