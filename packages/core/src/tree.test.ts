import type { Issue } from '@talon/plugin'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { mergeTrees, plain, readTree, type Tree } from './tree.ts'

const read = (text: string) => {
  const issues: Issue[] = []
  const tree = readTree({ name: 'x.yaml', text }, issues)
  return { tree, issues, said: issues.map(({ line, column, message }) => `${line}:${column} ${message}`) }
}
const valueOf = (text: string) => {
  const { tree, said } = read(text)
  expect(said).toEqual([])
  return tree && plain(tree)
}

describe('YAML is read', () => {
  it.each<[string, string, unknown]>([
    ['with anchors', 'a: &x [1]\nb: *x\n', { a: [1], b: [1] }],
    [
      'with merge keys, the own key winning over the merged, the first merged over the next',
      'a: &x { k: 1, l: 1 }\nb: &y { l: 2, m: 2 }\nc: { <<: [*x, *y], k: 3 }\nd: { "<<": 4 }\n',
      { a: { k: 1, l: 1 }, b: { l: 2, m: 2 }, c: { k: 3, l: 1, m: 2 }, d: { '<<': 4 } },
    ],
    ['with ends of lines of another system', 'a: 1\r\nb: |\r\n  x\r\n', { a: 1, b: 'x\n' }],
    ['between marks of a document', '---\na: 1\n---\n', { a: 1 }],
    ['with a byte order mark', '\uFEFFa: 1\n', { a: 1 }],
    ['with keys that are no texts', '1: a\ntrue: b\n', { 1: 'a', true: 'b' }],
    ['with nothing in it', '# nothing\n', undefined],
  ])('%s', (_, text, wanted) => expect(valueOf(text)).toEqual(wanted))

  it('as one document: a second one is not left out without a word', () =>
    expect(read('a: 1\n---\nb: 1\n').said).toEqual([
      "3:1 YAML: a second document begins here: remove the line '---' above it",
    ]))

  it('with every mistake told, and a key that is there twice', () =>
    expect(read('a: 1\na: 2\nb: "x\n').said).toEqual([
      expect.stringMatching(/^2:1 YAML: Map keys must be unique/),
      expect.stringMatching(/^4:1 YAML: /),
    ]))

  it('without growing beyond measure', () => {
    const levels = Array.from({ length: 12 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n}, `.repeat(9)}]`)
    const { said } = read(`l0: &l0 [x]\n${levels.join('\n')}\n`)
    expect(said).toContainEqual(expect.stringMatching(/more than 1000 aliases/))
  })
})

/** Values whose types go by their keys, so that nothing clashes; a lone `null` says nothing. */
const scalar = fc.oneof(fc.integer(), fc.boolean(), fc.string({ maxLength: 5 }), fc.constant(null))
const list = fc.array(fc.oneof(fc.integer(), fc.string({ maxLength: 3 })), { maxLength: 3 })
const block = fc.letrec<{ map: Record<string, unknown> }>((tie) => ({
  map: fc.record(
    {
      s1: scalar,
      s2: scalar,
      l1: fc.option(list),
      l2: list,
      m1: fc.oneof({ depthSize: 'small' }, fc.constant(null), tie('map')),
      m2: fc.oneof({ depthSize: 'small' }, fc.constant({}), tie('map')),
    },
    { requiredKeys: [] },
  ),
})).map

/** The contract's own words. */
function model(earlier: unknown, later: unknown): unknown {
  if (later === null || later === undefined) return earlier
  if (Array.isArray(later)) return [...((earlier as unknown[] | null | undefined) ?? []), ...(later as unknown[])]
  if (typeof later !== 'object') return later
  const merged: Record<string, unknown> = { ...(earlier as object | null) }
  for (const [key, value] of Object.entries(later)) merged[key] = key in merged ? model(merged[key], value) : value
  return merged
}

describe('merging', () => {
  const treeOf = (value: unknown): Tree => read(stringify(value)).tree ?? fail()
  const fail = () => {
    throw new Error('that says nothing')
  }
  const merged = (...values: readonly unknown[]) => {
    const issues: Issue[] = []
    const tree = values.map(treeOf).reduce((earlier, later) => mergeTrees(earlier, later, issues))
    expect(issues).toEqual([])
    return plain(tree)
  }

  it('is what the contract says of any two blocks', () =>
    fc.assert(
      fc.property(block, block, (a, b) => {
        expect(merged(a, b)).toEqual(model(a, b))
      }),
    ))

  it('gives the same for three files, whichever two are merged first', () =>
    fc.assert(
      fc.property(block, block, block, (a, b, c) => {
        expect(merged(a, merged(b, c))).toEqual(merged(merged(a, b), c))
      }),
    ))

  it('never loses a key that only the earlier block sets', () =>
    fc.assert(
      fc.property(block, block, (a, b) => {
        const kept = Object.entries(a).filter(([key]) => !(key in b))
        expect(merged(a, b)).toMatchObject(Object.fromEntries(kept))
      }),
    ))

  it('of different types names both places', () => {
    const issues: Issue[] = []
    const earlier = readTree({ name: 'a.yaml', text: 'x:\n  k: [1]\n' }, issues)
    const later = readTree({ name: 'b.yaml', text: 'x: { k: 1 }\n' }, issues)
    mergeTrees(earlier!, later!, issues)
    expect(issues).toMatchObject([
      {
        file: 'b.yaml',
        line: 1,
        column: 9,
        message: 'this is a single value, but a list in a.yaml:2:6: they cannot be merged',
      },
    ])
  })
})
