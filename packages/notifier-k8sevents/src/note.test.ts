import type { Report } from '@talon/plugin'
import { falcoEvent } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import { noteOf } from './note.ts'

function reportOf(parts: Partial<Report> = {}): Report {
  return {
    id: 'r',
    stage: 'action',
    status: 'success',
    message: 'done',
    rule: 'a rule',
    action: 'an action',
    actionner: 'kubernetes:exec',
    dryRun: true,
    objects: { pod: 'web-0' },
    time: '2026-11-24T12:00:00.000Z',
    duration: 3,
    event: falcoEvent(),
    traceId: '0af7651916cd43dd8448eb211c80319c',
    ...parts,
  }
}

describe('a note', () => {
  it.each(['x', 'é', '漢', '\u{1f4a9}', '\ud800'])(
    'takes all its room and no byte more, cut between characters: %j',
    (one) => {
      const long = one.repeat(5000)
      const note = noteOf(reportOf({ output: long, message: long, objects: { file: long } }))
      const bytes = Buffer.byteLength(note)
      expect(bytes).toBeLessThanOrEqual(1024)
      expect(bytes).toBeGreaterThan(1000)
      expect(note).not.toContain(one === '\ud800' ? '\ud800' : '\ufffd')
      for (const part of [
        'success (dry run): ',
        'rule: a rule',
        'an action (kubernetes:exec)',
        'trace: 0af7651916cd43dd8448eb211c80319c',
      ])
        expect(note).toContain(part)
    },
  )

  it('is one line without anything that a terminal would obey', () => {
    const note = noteOf(reportOf({ output: 'a\r\nb\u001b[31mc\u202Ed\u2028e' }))
    expect(note).toContain('output: a b\\u{1b}[31mc\\u{202e}d e')
  })

  it('tells where an artifact was to go, and why it did not', () => {
    const note = noteOf(reportOf({ stage: 'output', target: 'aws:s3', status: 'failure', error: 'no such bucket' }))
    expect(note).toContain('failure (dry run): done; error: no such bucket; ')
    expect(note).toContain('; output to: aws:s3; ')
  })
})
