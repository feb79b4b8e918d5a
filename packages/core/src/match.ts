import type { Event } from '@talon/plugin'

/** Whether an event meets the `match` of a rule. */
export type Predicate = (event: Event) => boolean
