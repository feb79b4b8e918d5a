import type { Report } from '@talon/plugin'
import { falcoEvent, report } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import { missingServer, startServer } from '../testing/server.ts'
import { openMailer, tell } from '../testing/tell.ts'
import { smtp } from './smtp.ts'

const missing = await missingServer()

describe.skipIf(missing)('a mail', () => {
  it('reaches everybody, as HTML and as text, and says what a person and a filter want to know', async () => {
    const { host_port, ...server } = await startServer()
    const event = falcoEvent({ priority: 'Critical', fields: { 'proc.cmdline': 'sh -c id' } })
    const told = report({ event, output: 'uid=0(root)\n<b>' })
    const result = await tell(await openMailer(), { host_port }, [told])
    expect(result.message).toMatch(/^mailed 2 through 127\.0\.0\.1:\d+, which answered 250 /)
    const [mail, ...more] = await server.mails()
    expect(more).toEqual([])
    expect(mail).toMatchObject({
      from: 'talon@example.org',
      to: ['security@example.org', 'oncall@example.org'],
      subject: '[falco] success: Label the pod (Suspicious shell), pod web-0, namespace default',
      headers: {
        'Auto-Submitted': ['auto-generated'],
        'X-Talon-Status': ['success'],
        'X-Talon-Rule': ['Suspicious shell'],
        'X-Talon-Actionner': ['kubernetes:label'],
        'X-Talon-Trace-Id': [event.traceId],
        'X-Falco-Priority': ['Critical'],
        Importance: ['High'],
        'Mime-Version': ['1.0'],
      },
    })
    expect(mail?.headers['Content-Type']?.[0]).toMatch(/^multipart\/alternative/)
    for (const part of [mail?.text ?? '', mail?.html ?? ''])
      for (const word of [told.message, told.rule, told.action, 'web-0', event.traceId, 'sh -c id', 'uid=0(root)'])
        expect(part).toContain(word)
    expect(mail?.text).toMatch(/^SUCCESS: Label the pod\n/)
    expect(mail?.text).toContain('  | <b>\n')
    expect(mail?.html).toContain('uid=0(root)\n&lt;b&gt;</pre>')
  })

  it('is plain text alone where that is wanted, and comes from whoever logs in where nobody else is named', async () => {
    const { host_port, ...server } = await startServer({ login: { user: 'me@example.org', password: 'secret' } })
    const settings = { host_port, format: 'text', password: 'secret' } as const
    await tell(await openMailer(), { ...settings, from: undefined, user: 'me@example.org' })
    const [mail] = await server.mails()
    expect(mail).toMatchObject({ html: '', from: 'me@example.org' })
    expect(mail?.headers['Content-Type']?.[0]).toMatch(/^text\/plain; charset=utf-8/)
  })

  it('shows what an attacker wrote, and does nothing that it says', async () => {
    const { host_port, ...server } = await startServer()
    const nasty =
      '</td><script>alert(1)</script><img src="https://evil.example/x">\r\n\r\nBcc: all@example.org\u202e\u001b[31m'
    const hostile: Report = {
      ...report(),
      status: 'failure',
      error: nasty,
      rule: `Rule\r\nBcc: bcc@example.org\r\n\r\n<h1>${'é'.repeat(100)}`,
      action: nasty,
      output: `fine\n.\r\nDATA\nSUCCESS: ${nasty}`,
      objects: { pod: nasty, '<b>': '<i>' },
      traceId: `0\r\nX-Forged: yes`,
      event: {
        ...falcoEvent(),
        rule: nasty,
        output: nasty,
        tags: [nasty],
        fields: { [nasty]: nasty, cut: 'x'.repeat(100_000) },
      },
    }
    await tell(await openMailer(), { host_port }, [hostile])
    const [mail, ...more] = await server.mails()
    expect(more).toEqual([])
    expect(mail?.to).toEqual(['security@example.org', 'oncall@example.org'])
    expect(Object.keys(mail?.headers ?? {})).not.toEqual(expect.arrayContaining([expect.stringMatching(/bcc|forged/i)]))
    expect(mail?.subject).toContain('\\r\\n')
    const tags = 'html head meta title style body div h1 h2 p table tr th td pre'.split(' ')
    expect(tags).toEqual(expect.arrayContaining(Array.from(mail?.html.matchAll(/<(\w+)/g) ?? [], ([, tag]) => tag)))
    expect(mail?.html).not.toMatch(/<[^>]* (src|href|on\w+)=|url\(|@import/)
    expect(mail?.html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(mail?.html.match(/<h1>/g)).toHaveLength(1)
    for (const part of [mail?.html ?? '', mail?.text ?? '']) {
      // eslint-disable-next-line no-control-regex -- they are what must not be there
      expect(part).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/)
      expect(part).toContain('\\u{202e}\\u{1b}[31m')
      expect(part).toContain('… (99500 characters more)')
    }
    expect(mail?.text.split('\n').filter((line) => /^(SUCCESS|Bcc|DATA)/.test(line))).toEqual([])
    expect(mail?.raw.length).toBeLessThan(60_000)
  })

  it('bears the same Message-ID each time that the same is told, and refers to its event', async () => {
    const { host_port, ...server } = await startServer()
    const client = await openMailer()
    const settings = { host_port }
    const told = report()
    await tell(client, settings, [told])
    await tell(client, settings, [told])
    await tell(client, settings, [{ ...told, id: 'r2' }])
    const mails = await server.mails()
    const [first, again, other] = mails.map(({ headers }) => String(headers['Message-Id']))
    expect(first).toMatch(/^<[0-9a-f]{40}@example\.org>$/)
    expect(again).toBe(first)
    expect(other).not.toBe(first)
    const threads = mails.map(({ headers }) => String(headers['References']))
    expect(threads[0]).toMatch(/^<[0-9a-f]{40}@example\.org>$/)
    expect(new Set(threads).size).toBe(1)
  })

  it('tells a burst in one mail, in short', async () => {
    const { host_port, ...server } = await startServer()
    const event = falcoEvent({ output: 'z'.repeat(50_000) })
    const many = Array.from({ length: smtp.batch }, (_, index) => {
      const status = index % 4 ? 'success' : 'failure'
      return report({ id: `r${index}`, status, action: `action ${index}`, output: 'y'.repeat(50_000), event })
    })
    await tell(await openMailer(), { host_port }, many as [Report, ...Report[]])
    const [mail, ...more] = await server.mails()
    expect(more).toEqual([])
    expect(mail?.subject).toBe('[falco] 20 results: 5 failure, 15 success')
    expect(mail?.headers['X-Talon-Status']).toEqual(['failure, success'])
    for (let index = 0; index < many.length; index++) expect(mail?.text).toContain(`: action ${index}\n`)
    // Gmail hides what is beyond 102 KB.
    expect(mail?.html.length).toBeLessThan(102_000)
  })
})
