import type { Issue } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { issueCommand } from './github.ts'
import { issueText, plain } from './text.ts'

const ISSUE: Issue = {
  level: 'error',
  message: "unknown actionner 'kubernetes:terminat'",
  hint: "did you mean 'kubernetes:terminate'?",
  file: 'rules.yaml',
  line: 12,
  column: 16,
  length: 19,
  source: '    actionner: kubernetes:terminat',
}

describe('an issue as text', () => {
  it('shows place, line, caret and hint', () => {
    expect(issueText(ISSUE, plain)).toBe(
      [
        "rules.yaml:12:16: error: unknown actionner 'kubernetes:terminat'",
        '  12 |     actionner: kubernetes:terminat',
        "     |                ^^^^^^^^^^^^^^^^^^^ did you mean 'kubernetes:terminate'?",
      ].join('\n'),
    )
  })

  it('says what it knows where there is no line', () => {
    expect(issueText({ level: 'warning', message: 'unknown key', file: 'config.yaml' }, plain)).toBe(
      'config.yaml: warning: unknown key',
    )
    expect(issueText({ level: 'error', message: 'wrong', hint: 'so be it' }, plain)).toBe('error: wrong\n    so be it')
  })

  it.each([
    ['in a line that is too long', 'x'.repeat(500) + 'HERE' + 'y'.repeat(500), 501],
    ['behind tabs', '\t\tkey: HERE', 8],
    ['at the end of the line', 'key: HERE', 6],
  ])('keeps the caret below its text %s', (_, source, column) => {
    const [, line = '', carets = ''] = issueText({ ...ISSUE, source, column, length: 4 }, plain).split('\n')
    expect(line.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1)).toBe('HERE')
    expect(line.length).toBeLessThan(130)
  })

  it('points behind the line where something is missing', () => {
    const [, , carets] = issueText({ ...ISSUE, source: 'key:', column: 5, length: 0, hint: '' }, plain).split('\n')
    expect(carets).toBe('     |     ^')
  })

  it('does not let a file steer the terminal', () => {
    const text = issueText({ ...ISSUE, message: 'bad \u001B[2J', source: '\u001B]0;owned\u0007 x\u202Ey' }, plain)
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/)
  })
})

describe('an issue as an annotation of GitHub', () => {
  it('names file, line and columns', () => {
    expect(issueCommand(ISSUE)).toBe(
      "::error file=rules.yaml,line=12,col=16,endColumn=35,title=talon check::unknown actionner 'kubernetes:terminat' (did you mean 'kubernetes:terminate'?)",
    )
  })

  it('escapes what would end it', () => {
    const issue: Issue = { level: 'warning', message: '100%\n::error::x', file: 'a,b:c.yaml' }
    expect(issueCommand(issue)).toBe('::warning file=a%2Cb%3Ac.yaml,title=talon check::100%25%0A::error::x')
  })
})
