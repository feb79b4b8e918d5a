import type { Obstacle } from './database.ts'
import type { Figures, Operation, Reply } from './operations.ts'

/** What the thread is started with. */
export interface Setting {
  readonly file: string
  readonly maxEvents: number
  /** Milliseconds that a finished entry is kept. */
  readonly keep: number
  /** Now, in epoch milliseconds. */
  readonly at: number
}

/** To the thread. It is sent one group at a time. */
export type Asked = { readonly operations: readonly Operation[]; readonly at: number } | 'close'

/** From the thread. `last`: the highest place that an earlier run gave. */
export type Told =
  | { readonly about: 'ready'; readonly last: number; readonly figures: Figures }
  | { readonly about: 'unopened'; readonly why: Obstacle; readonly message: string }
  | { readonly about: 'reply'; readonly reply: Reply }
