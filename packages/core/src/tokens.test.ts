import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode } from './event.ts'
import { expand, expandSegments, programOf, segmentOf, tokensOf } from './tokens.ts'

const event = (fields: object, more: object = {}) =>
  decode(
    JSON.stringify({ rule: 'R', priority: 'Notice', hostname: 'h', tags: ['a', 'b'], output_fields: fields, ...more }),
    {
      id: '1',
      received: 0,
      traceId: '0'.repeat(32),
    },
  )
const tokens = (fields: object, context = {}) => tokensOf(event(fields), context)

describe('tokens', () => {
  it('are the event, its fields, Talon and the contexts, by upper case names', () => {
    const all = tokens(
      { 'proc.args[0]': '-c', 'k8s.ns.name': 'x', 'a b': '1' },
      { 'falco-talon.rule': 'T', 'node.hostname': 'n' },
    )
    expect(Object.fromEntries(all)).toEqual({
      PROC_ARGS_0: '-c',
      K8S_NS_NAME: 'x',
      FALCO_TALON_RULE: 'T',
      NODE_HOSTNAME: 'n',
      PRIORITY: 'Notice',
      HOSTNAME: 'h',
      SOURCE: 'syscall',
      RULE: 'R',
      TAGS: 'a,b',
    })
  })

  it('are not available where two fields fold to one name', () =>
    expect(tokens({ 'proc.aname[2]': 'a', proc_aname_2: 'b', 'proc.name': 'c' }).get('PROC_ANAME_2')).toBeUndefined())

  it("are never the event's word against Talon's own", () => {
    const all = tokens({ falco_talon_rule: 'forged', priority: 'forged' }, { 'falco-talon.rule': 'T' })
    expect([all.get('FALCO_TALON_RULE'), all.get('PRIORITY')]).toEqual(['T', 'Notice'])
  })
})

describe('a text', () => {
  const known = tokens({ 'proc.name': 'sh' }, { 'falco-talon.rule': 'T' })
  it.each([
    ['${PROC_NAME}', 'sh'],
    ['a-$PROC_NAME-b', 'a-sh-b'],
    ['${FALCO-TALON_RULE} $FALCO-TALON_RULE $FALCO_TALON_RULE', 'T T T'],
    ['$LATEST ${UNKNOWN} $', '$LATEST ${UNKNOWN} $'],
    ['$PROC_NAMES', '$PROC_NAMES'],
  ])('%s becomes %s', (text, wanted) => expect(expand(text, known)).toBe(wanted))

  it('is replaced once: a value that looks like a token stays a value', () =>
    expect(expand('$PROC_NAME', tokens({ 'proc.name': '$RULE' }))).toBe('$RULE'))

  it('refuses a value that Falcosidekick cut', () =>
    expect(() => expand('$PROC_NAME', tokens({ 'proc.name': `${'x'.repeat(507)}[...]` }))).toThrow(
      /PROC_NAME was cut short/,
    ))
})

describe('a path segment', () => {
  it.each(['..', '../../etc/passwd', '/abs', 'a\\b', 'a\0b', '', '.hidden', 'ü/ß', 'x'.repeat(500)])(
    'of %j neither climbs, hides nor grows',
    (value) => expect(segmentOf(value)).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/),
  )
  it('is one for each token', () =>
    expect(expandSegments('talon/$A_B/x', tokens({ 'a.b': '../..' }))).toBe('talon/__../x'))
})

describe('a program', () => {
  it('gets the variables that it names, and stays as it was written', () => {
    const known = tokens(
      { 'proc.name': 'sh', 'fd.name': '/x', path: '/evil', 'ld.preload': 'x', ifs: 'x' },
      { 'falco-talon.rule': 'T' },
    )
    const { text, variables } = programOf(
      'echo "$PROC_NAME" ${FALCO-TALON_RULE} $HOME $PATH $LD_PRELOAD $IFS ${FD_NAME:-none}',
      known,
    )
    expect(text).toBe('echo "${PROC_NAME}" ${FALCO_TALON_RULE} $HOME $PATH $LD_PRELOAD $IFS ${FD_NAME:-none}')
    expect(variables).toEqual({ PROC_NAME: 'sh', FALCO_TALON_RULE: 'T', FD_NAME: '/x' })
  })

  it('never runs what an event says, whatever that is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.constantFrom('$(touch x)', '`id`', '"; id; "', "'; id; '", '\n id', '${IFS}', '-n', '\\'),
        ),
        (value) => {
          fc.pre(value !== '' && value !== '<NA>' && !value.includes('\0'))
          const { text, variables } = programOf('printf %s "$PROC_CMDLINE"', tokens({ 'proc.cmdline': value }))
          expect(execFileSync('/bin/sh', ['-c', text], { env: variables, encoding: 'utf8' })).toBe(value.toWellFormed())
        },
      ),
      { numRuns: 30 },
    )
  })
})
