import type { Issue } from '@talon/plugin'
import { stringify } from 'yaml'
import { readRules } from './rules.ts'
import { sortIssues, type RuleSource } from './source.ts'
import type { Tree } from './tree.ts'

/** The rules of all files as one file says them: blocks merged, and each rule with its actions written out. */
export function printRules(sources: readonly RuleSource[]): {
  readonly yaml: string
  readonly issues: readonly Issue[]
} {
  const issues: Issue[] = []
  const { rules } = readRules(sources, issues)
  const blocks = rules.map(({ tree, actions }) => ({ ...(plainOf(tree) as object), actions: actions.map(plainOf) }))
  return { yaml: stringify(blocks, { lineWidth: 120 }), issues: sortIssues(issues, sources) }
}

function plainOf(tree: Tree): unknown {
  if (tree.kind === 'scalar')
    // `1.0` and `0x1f` would read as another text where a text is wanted.
    return typeof tree.value === 'number' && String(tree.value) !== tree.text ? tree.text : tree.value
  if (tree.kind === 'list') return tree.items.map(plainOf)
  return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plainOf(value)]))
}
