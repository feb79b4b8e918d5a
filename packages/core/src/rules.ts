import type { Issue } from '@talon/plugin'
import { issueAt, nearest, suggest, type RuleSource } from './source.ts'
import { at, isUnset, mergeTrees, readTree, textAt, type ListTree, type MapTree, type Tree } from './tree.ts'

/** The rules of all files, merged, each with its actions completed by the reusable ones that they name. */
export interface RuleBlocks {
  readonly rules: readonly RuleTree[]
  /** Reusable actions that no rule names. */
  readonly unused: readonly MapTree[]
}
export interface RuleTree {
  readonly name: string
  readonly tree: MapTree
  readonly actions: readonly MapTree[]
}

/** Reads the files in their order: blocks of one name are merged, later ones into earlier ones. */
export function readRules(sources: readonly RuleSource[], issues: Issue[]): RuleBlocks {
  const rules = new Map<string, MapTree>()
  const actions = new Map<string, MapTree>()
  for (const block of sources.flatMap((source) => blocksOf(source, issues))) {
    const [rule, action] = [textAt(block, 'rule'), textAt(block, 'action')]
    if (rule !== undefined && action !== undefined)
      issues.push(issueAt(block.place, 'error', 'this block is a rule and an action at once: split it'))
    else if (rule !== undefined) keep(rules, rule, block, issues)
    else if (action !== undefined) keep(actions, action, block, issues)
    else issues.push(issueAt(firstKey(block), 'error', nameless(block), kindMeant(block)))
  }
  const used = new Set<string>()
  const complete = [...rules].map(([name, tree]) => ({ name, tree, actions: actionsOf(name, tree) }))
  return { rules: complete, unused: [...actions].filter(([name]) => !used.has(name)).map(([, tree]) => tree) }

  function actionsOf(rule: string, tree: MapTree): MapTree[] {
    const list = at(tree, 'actions')
    if (list?.kind === 'list' && list.items.length) return list.items.flatMap((item) => actionOf(item))
    const place = tree.entries.get('rule')?.value.place ?? tree.place
    issues.push(
      issueAt(
        list?.place ?? place,
        'error',
        list ? 'actions must be a list of actions' : `the rule '${rule}' has no actions`,
        list ? ACTION : tree.entries.has('condition') ? falcosOwn(rule) : undefined,
      ),
    )
    return []
  }

  function actionOf(item: Tree): MapTree[] {
    // `- Label it` is a reference as `- action: Label it` is.
    const tree: Tree =
      item.kind === 'scalar'
        ? { kind: 'map', place: item.place, entries: new Map([['action', { key: item.place, value: item }]]) }
        : item
    const name = textAt(tree, 'action')
    if (tree.kind !== 'map' || name === undefined) {
      issues.push(issueAt(tree.place, 'error', "this action has no name: give it the key 'action'"))
      return []
    }
    const reusable = actions.get(name)
    if (!reusable) {
      if (at(tree, 'actionner')) return [tree]
      const slip = [...tree.entries].find(([key]) => nearest(key, ['actionner']))
      if (slip) {
        const [written, { key }] = slip
        const message = `unknown key of an action '${written}': the action '${name}' has no actionner`
        issues.push(issueAt(key, 'error', message, "did you mean 'actionner'?"))
        return []
      }
      const { place } = at(tree, 'action') ?? tree
      issues.push(
        issueAt(
          place,
          'error',
          `the action '${name}' has no actionner, and no reusable action has this name`,
          /^\w+:\w+$/.test(name) ? ACTION : suggest(name, actions.keys()),
        ),
      )
      return []
    }
    used.add(name)
    const merged = mergeTrees(reusable, tree, issues)
    return merged.kind === 'map' ? [merged] : []
  }
}

const ACTION = 'an action has a name and an actionner: { action: End it, actionner: kubernetes:terminate }'
const falcosOwn = (rule: string) =>
  `it is a rule of Falco, and Talon's answer to it has "match: { rules: [${rule}] }" and actions: see talon init`

function nameless({ entries }: MapTree): string {
  const own = ['macro', 'list'].find((key) => entries.has(key))
  if (own) return `a ${own} belongs into a rules file of Falco: Talon's rules only name Falco's, below 'match'`
  const kind = KINDS.find((key) => entries.has(key))
  return kind ? `this ${kind} has no name` : "this block has neither the key 'rule' nor the key 'action'"
}

const KINDS = ['rule', 'action']

function kindMeant({ entries }: MapTree): string | undefined {
  if (KINDS.some((key) => entries.has(key))) return undefined
  const meant = [...entries.keys()].flatMap((key) => nearest(key, KINDS) ?? [])[0]
  return meant === undefined ? undefined : `did you mean '${meant}'?`
}

function keep(blocks: Map<string, MapTree>, name: string, block: MapTree, issues: Issue[]): void {
  const earlier = blocks.get(name)
  const merged = earlier ? mergeTrees(earlier, block, issues) : block
  if (merged.kind === 'map') blocks.set(name, merged)
}

function blocksOf(source: RuleSource, issues: Issue[]): MapTree[] {
  const tree = readTree(source, issues)
  if (isUnset(tree) || !tree) return []
  if (tree.kind !== 'list') {
    issues.push(
      issueAt(
        firstKey(tree),
        'error',
        'a rules file is a list of rules and actions: begin each with "- rule:" or "- action:"',
        tree.kind === 'map' && !KINDS.some((key) => tree.entries.has(key))
          ? 'a config file is named with -c'
          : undefined,
      ),
    )
    return []
  }
  return (tree satisfies ListTree).items.flatMap((item) => {
    if (item.kind === 'map') return [item]
    issues.push(issueAt(item.place, 'error', 'a rule or an action is a block of keys: "- rule: <name>"'))
    return []
  })
}

/** A block's place is all of it; its first key is what an issue should show. */
function firstKey(tree: Tree) {
  return (tree.kind === 'map' && tree.entries.values().next().value?.key) || tree.place
}
