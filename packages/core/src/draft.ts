import type { Actionner } from '@talon/plugin'
import type { Match } from './match.ts'
import type { PlannedRule } from './planned.ts'
import type { MapTree, Tree } from './tree.ts'

/** A compiled rule with what the checks need to point at it. */
export interface Draft {
  readonly tree: MapTree
  readonly match: Match
  readonly planned: PlannedRule
  readonly actionners: readonly { readonly definition: Actionner; readonly tree: Tree }[]
}
