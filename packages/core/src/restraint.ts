import { actionBlock, matchBlock, ruleBlock } from './blocks.ts'
import { nearest } from './source.ts'
import type { Tree } from './tree.ts'

const RULE = Object.keys(ruleBlock.shape)
const CRITERIA = Object.keys(matchBlock.shape)
const ACTION = Object.keys(actionBlock.shape)

/** What was meant by an unknown key, in words, and what is done without it. */
export interface Restraint {
  /** What the unknown key is, in place of what it is called elsewhere. */
  readonly what?: string
  readonly meant: string
  readonly without: string
}

/**
 * The key that an unknown one stands for, where its loss lets a rule do more than was meant: `dryrun`, or `rule` in place
 * of `rules` below `match`. Undefined for all others, and where the key says nothing that could be lost.
 * @param path of the block: of a rule `[]` or `['match']`, of an action `[]`
 */
export type FindRestraint = (path: readonly PropertyKey[], written: string, value: Tree) => Restraint | undefined

/** Of a rule and its `match`. */
export const restraintOfRule: FindRestraint = (path, written, value) => {
  if (path.length > 1 || saysNothing(value)) return undefined
  if (path[0] === 'match')
    return criterion(written) ?? dryRun(written, CRITERIA, { where: " of the rule, not of its 'match'" })
  const known = nearest(written, RULE)
  if (known === 'match' && value.kind !== 'scalar') return { meant: `'match'`, without: EVERY }
  const misplaced = CRITERIA.find((key) => fold(key) === fold(written))
  if (misplaced !== undefined) return { meant: `'${misplaced}' below 'match'`, without: MORE }
  return dryRun(written, RULE)
}

/** Of an action. */
export const restraintOfAction: FindRestraint = (path, written, value) =>
  path.length || saysNothing(value) ? undefined : dryRun(written, ACTION, { where: ' of the rule, not of an action' })

/** Of the config file, where somebody may look for a switch for all rules. */
export const restraintOfConfig: FindRestraint = (path, written, value) =>
  path.length || saysNothing(value)
    ? undefined
    : dryRun(written, [], { where: ' of each rule, not of the config file', without: 'every rule without it is live' })

const LIVE = 'the rule is live'
const EVERY = 'the rule answers every event'
const MORE = 'the rule answers more events'

const fold = (key: string) => key.toLowerCase().replaceAll(/[-_\s]/g, '')

function dryRun(written: string, known: readonly string[], { where = '', without = LIVE } = {}): Restraint | undefined {
  const near = nearest(written, new Set([...known, 'dry_run'])) === 'dry_run' || fold(written).startsWith('dry')
  return near ? { meant: `'dry_run'${where}`, without } : undefined
}

/** Every criterion narrows: `fields` for `output_fields` is a slip too, though half of its letters are missing. */
function criterion(written: string): Restraint | undefined {
  const [folded, least] = [fold(written), 3]
  const near =
    nearest(written, CRITERIA) ??
    CRITERIA.find((key) => folded.length >= least && (fold(key).includes(folded) || folded.includes(fold(key))))
  return near === undefined ? undefined : { what: 'key of match', meant: `'${near}'`, without: MORE }
}

/** `dryrun: false` and `rule: []` would hold nothing back. */
function saysNothing(tree: Tree): boolean {
  if (tree.kind === 'list') return tree.items.every(saysNothing)
  if (tree.kind === 'map') return tree.entries.size === 0
  return ['', 'false', 'no', 'off', 'n', '0'].includes(tree.text.toLowerCase())
}
