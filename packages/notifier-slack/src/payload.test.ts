import type { Report, Status } from '@talon/plugin'
import { falcoEvent, report } from '@talon/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refusalOf, textsOf } from '../../../tools/counterparts/slack-rules.ts'
import { payloadOf, type Look } from './payload.ts'

const look: Look = { username: 'Falco Talon', icon: ':bird:', footer: 'https://example.org', format: 'long' }
const statuses: readonly Status[] = ['success', 'failure', 'ignored', 'interrupted', 'in_progress']

const reportOf = (parts: Partial<Report> = {}) => report({ time: '2026-11-24T12:00:00.000Z', ...parts })

/** Pieces that mean something to Slack, to a terminal or to a reader's eye, and all else. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom('<!channel>', '<!here>', '<@U024BE7LH>', '<#C024BE7LR>', '<!subteam^S1>', '@here', '@channel'),
      fc.constantFrom(
        '<https://evil.example|your bank>',
        'https://evil.example/x.png',
        'mailto:a@b.c',
        '&lt;!here&gt;',
      ),
      fc.constantFrom(
        '*bold*',
        '_it_',
        '~no~',
        '`code`',
        '```',
        '\n> quote',
        ':skull:',
        '<!date^0^{date}|x>',
        '&',
        '<',
      ),
      fc.constantFrom(
        '\u202e',
        '\u2066',
        '\u200b',
        '\u0000',
        '\u001b[31m',
        '\r\n',
        '\u2028',
        '\ud800',
        '\u{1f4a9}',
        ' ',
      ),
      fc.string({ unit: 'binary' }),
      fc.string({ maxLength: 3 }).map((text) => text.repeat(1500)),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''))

const reports = fc
  .record({
    stage: fc.constantFrom('action' as const, 'output' as const),
    status: fc.constantFrom(...statuses),
    texts: fc.array(hostile, { minLength: 8, maxLength: 8 }),
    objects: fc.dictionary(hostile, hostile, { maxKeys: 20 }),
    format: fc.constantFrom('long' as const, 'short' as const),
  })
  .map(({ stage, status, texts, objects, format }) => {
    const [message = '', error = '', output = '', rule = '', action = '', said = '', falcoRule = '', target = ''] =
      texts
    const event = { ...falcoEvent(), rule: falcoRule, output: said }
    const told = reportOf({ stage, status, message, error, output, rule, action, target, objects, event })
    return { told, format }
  })

describe('whatever a report holds, the message', () => {
  it('is one that Slack takes, and holds nothing that Slack would act on', () => {
    const formatted = new Set(textsOf(payloadOf(reportOf({ stage: 'output', target: 'x' }), look)).flatMap(mrkdwn))
    fc.assert(
      fc.property(reports, ({ told, format }) => {
        const payload = payloadOf(told, { ...look, format })
        expect(refusalOf(payload)).toBeUndefined()
        const texts = textsOf(payload)
        for (const text of [payload.text, ...texts.map((one) => one.text)]) {
          expect(text).not.toMatch(/[<>]|&(?!(amp|lt|gt);)/)
          expect(text).not.toMatch(/[^\P{C}\n]/u)
        }
        expect(texts.flatMap(mrkdwn).filter((text) => !formatted.has(text))).toEqual([])
        expect(texts.every(({ type, emoji }) => type === 'mrkdwn' || emoji === false)).toBe(true)
        expect(payload).toMatchObject({ mrkdwn: false, link_names: false, unfurl_links: false, unfurl_media: false })
      }),
      { numRuns: 300 },
    )
  })
})

const mrkdwn = ({ type, text }: { type: string; text: string }) => (type === 'mrkdwn' ? [text] : [])

describe('a message', () => {
  it('tells in its long form what was done to what, and why', () => {
    const { text, attachments, ...payload } = payloadOf(reportOf({ output: 'uid=0(root)\ngid=0' }), look)
    expect(text).toBe("✅ Success: action 'Label the pod' of rule 'Suspicious shell'")
    expect(payload).toMatchObject({ icon_emoji: ':bird:', username: 'Falco Talon' })
    expect(attachments?.[0].color).toBe('#23ba47')
    const shown = textsOf({ attachments: attachments ?? [] }).map((one) => one.text)
    expect(shown).toEqual([
      'the pod default/web-0 was labelled',
      ...['*Rule*', 'Suspicious shell', '*Action*', 'Label the pod', '*Actionner*', 'kubernetes:label'],
      ...['*Falco rule*', 'Terminal shell in container', '*Priority*', 'Notice'],
      ...['*Trace*', '0af7651916cd43dd8448eb211c80319c', '*Objects*', 'pod: web-0\nnamespace: default'],
      'Event: A shell was spawned in a container with an attached terminal',
      'Result:\nuid=0(root)\ngid=0',
      'https://example.org',
      '2026-11-24T12:00:00.000Z',
    ])
  })

  it('is one line in its short form', () => {
    const failed = { stage: 'output', target: 'aws:s3', status: 'failure', error: 'no\nbucket' } as const
    const { text, blocks, attachments } = payloadOf(reportOf({ ...failed, dryRun: true }), { ...look, format: 'short' })
    expect(text).toBe(
      "❌ Failure (dry run): output aws:s3 of action 'Label the pod' of rule 'Suspicious shell': no bucket",
    )
    expect(blocks).toEqual([{ type: 'section', text: { type: 'plain_text', text, emoji: false } }])
    expect(attachments).toBeUndefined()
  })

  it('shows what cannot be seen, and what Slack would take for its own, as it was', () => {
    const output = 'a && b <!channel> \u202Egpj.exe\u0007'
    const texts = textsOf(payloadOf(reportOf({ output }), look)).map((one) => one.text)
    expect(texts).toContain('Result:\na &amp;&amp; b &lt;!channel&gt; \\u{202e}gpj.exe\\u{7}')
  })

  it.each([
    ['https://example.org/bird.png', { icon_url: 'https://example.org/bird.png' }],
    [':bird:', { icon_emoji: ':bird:' }],
    ['', {}],
  ])('has the picture %j', (icon, expected) => {
    const { icon_url, icon_emoji } = payloadOf(reportOf(), { ...look, icon })
    expect({ ...(icon_url !== undefined && { icon_url }), ...(icon_emoji !== undefined && { icon_emoji }) }).toEqual(
      expected,
    )
  })
})
