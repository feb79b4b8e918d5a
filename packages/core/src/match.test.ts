import { PRIORITIES } from '@talon/plugin'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MatchBlock } from './blocks.ts'
import { decode } from './event.ts'
import { covers, predicateOf, readMatch, type Match } from './match.ts'
import { createRuleset } from './ruleset.ts'
import { plan } from './plan.ts'

const event = (over: object) =>
  decode(JSON.stringify({ rule: 'R', priority: 'Error', source: 'syscall', ...over }), {
    id: '1',
    received: 0,
    traceId: '',
  })
const matchOf = (block: MatchBlock): Match => {
  const { match, issues } = readMatch(block)
  expect(issues).toEqual([])
  return match
}
const meets = (block: MatchBlock, over: object = {}) => predicateOf(matchOf(block))(event(over))

describe('a match', () => {
  it.each([
    ['>=Critical', ['Critical', 'Alert', 'Emergency']],
    ['> error', ['Critical', 'Alert', 'Emergency']],
    ['<Info', ['Debug']],
    ['<=info', ['Debug', 'Informational']],
    ['=NOTICE', ['Notice']],
    ['Notice', ['Notice']],
  ])('of the priority %s', (priority, wanted) =>
    expect(PRIORITIES.filter((name) => meets({ priority }, { priority: name }))).toEqual(wanted),
  )

  it.each([
    [['a, b'], true],
    [['a, c'], false],
    [['a, c', 'b'], true],
    [['NIST_800-53_AC-2', 'Pub/Sub'], true],
  ])('of the tags %j', (tags, wanted) => expect(meets({ tags }, { tags: ['a', 'b', 'Pub/Sub'] })).toBe(wanted))

  it.each([
    ['k8s.ns.name=default, proc.name=sh', true],
    ['k8s.ns.name=default, proc.name=bash', false],
    ['k8s.ns.name!=kube-system', true],
    ['absent!=x', true],
    ['absent=x', false],
    ['empty!=x', true],
    ['fd.rport=443', true],
    ['scap.drops=0.0', true],
    ['scap.drops=0', false],
    ['proc.cmdline=a=b!=c', true],
    ['quoted="a,b", proc.name=sh', true],
    ['"quoted=a,b"', true],
    ['proc.aname[2]=sudo', true],
    ['jevt.value[/stage] = done', true],
    ['odd=say "hi', true],
  ])('of the fields %s', (line, wanted) => {
    const fields = {
      'k8s.ns.name': 'default',
      'proc.name': 'sh',
      'fd.rport': 443,
      'proc.cmdline': 'a=b!=c',
      quoted: 'a,b',
      empty: '',
      odd: 'say "hi',
    }
    const body = JSON.stringify({ ...fields, 'proc.aname[2]': 'sudo', 'jevt.value[/stage]': 'done' }).slice(0, -1)
    const one = decode(`{"rule":"R","output_fields":${body},"scap.drops":0.0}}`, { id: '1', received: 0, traceId: '' })
    expect(predicateOf(matchOf({ output_fields: [line] }))(one)).toBe(wanted)
  })

  it('of a source takes its other spelling; without one, all but the internal', () => {
    expect([meets({ source: 'k8saudit' }, { source: 'k8s_audit' }), meets({ source: 'syscalls' })]).toEqual([
      true,
      true,
    ])
    expect([meets({}, { source: 'internal' }), meets({ source: 'internal' }, { source: 'internal' })]).toEqual([
      false,
      true,
    ])
  })
})

const small = <T extends string>(...names: T[]) => fc.constantFrom(...names)
const some = <T>(of: fc.Arbitrary<T>) => fc.option(fc.array(of, { minLength: 1, maxLength: 2 }), { nil: undefined })
const block = fc
  .record({
    rules: some(small('A', 'B', 'C')),
    tags: some(small('x', 'y', 'x, y')),
    output_fields: some(small('f=1', 'f!=1', 'g=2', 'f=1, g=2', 'g!=2, f=1')),
    source: fc.option(small('syscall', 'k8s_audit', 'internal'), { nil: undefined }),
    priority: fc.option(small('>=Error', '<Error', 'Notice'), { nil: undefined }),
  })
  .map((given) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as MatchBlock)
const anyEvent = fc
  .record({
    rule: small('A', 'B', 'C', 'D'),
    priority: small('Debug', 'Notice', 'Error', 'Critical'),
    source: small('syscall', 'k8s_audit', 'internal', 'other'),
    tags: fc.subarray(['x', 'y']),
    f: small('1', '2', ''),
    g: small('1', '2', ''),
  })
  .map(({ f, g, ...rest }) => event({ ...rest, output_fields: { f, g } }))

/** The contract's own words, without an index. */
function model({ rules, tags, output_fields, source, priority }: MatchBlock, given: ReturnType<typeof event>): boolean {
  const rank = (name: string) => PRIORITIES.findIndex((known) => known === name)
  const term = (text: string) => {
    const [field = '', value] = text.split(/!?=/)
    return text.includes('!=') ? given.fields[field] !== value : given.fields[field] === value
  }
  const lines = (list: readonly string[] | undefined, holds: (part: string) => boolean) =>
    !list || list.some((line) => line.split(', ').every(holds))
  const urgent = {
    '>=Error': rank(given.priority) >= 4,
    '<Error': rank(given.priority) < 4,
    Notice: given.priority === 'Notice',
  }
  return (
    (!rules || rules.includes(given.rule)) &&
    (source ? given.source === source : given.source !== 'internal') &&
    (!priority || urgent[priority as keyof typeof urgent]) &&
    lines(tags, (tag) => given.tags.includes(tag)) &&
    lines(output_fields, term)
  )
}

describe('the index', () => {
  it('finds what a walk over all rules finds, in their order, up to the first that ends the evaluation', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(block, fc.boolean()), { maxLength: 12 }), anyEvent, (rules, given) => {
        const ruleset = createRuleset(
          rules.map(([match, goesOn], n) => ({
            match: matchOf(match),
            planned: { rule: String(n), continue: goesOn, dryRun: false, notifiers: [], steps: [] },
          })),
        )
        const matched = rules.flatMap(([match, goesOn], n) => (model(match, given) ? [{ n: String(n), goesOn }] : []))
        const end = matched.findIndex(({ goesOn }) => !goesOn)
        const wanted = end < 0 ? matched : matched.slice(0, end + 1)
        expect(plan(given, ruleset).rules.map(({ rule }) => rule)).toEqual(wanted.map(({ n }) => n))
      }),
    )
  })

  it('covering is sure: what a rule covers never matches without it', () => {
    const keys = ['rules', 'tags', 'output_fields', 'source', 'priority'] as const
    fc.assert(
      fc.property(block, fc.subarray([...keys]), anyEvent, (narrow, dropped, given) => {
        const wide = Object.fromEntries(Object.entries(narrow).filter(([key]) => !dropped.some((name) => name === key)))
        fc.pre(covers(matchOf(wide), matchOf(narrow)))
        expect(model(narrow, given) && !model(wide, given)).toBe(false)
      }),
    )
  })
})
