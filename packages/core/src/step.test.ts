import { defineActionner, defineContext, done } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { decode } from './event.ts'
import { memoryJournal } from './memory.ts'
import { act, base, body, rule, start, step } from './talon.fixture.ts'

describe('a dry run', () => {
  it('reports what would have run, with parameters resolved, and does not call an actionner that knows none', async () => {
    let ran = false
    const say = defineActionner({
      ...base,
      name: 'test:say',
      effect: 'change',
      repeatable: true,
      parameters: z.object({ text: z.string().describe('What to say').meta({ tokens: 'text' }) }),
      examples: [{ title: 'Hello', parameters: { text: 'hello' } }],
      async run() {
        ran = true
        return done('said')
      },
    })
    const { talon, reports, settled } = await start(
      rule(step('test:say', ', parameters: { text: "$K8S_POD_NAME" }'), 'dry_run: true'),
      [say],
    )
    await talon.handle(body())
    await settled()
    expect(reports).toMatchObject([
      { status: 'ignored', dryRun: true, message: 'dry run: test:say would run with {"text":"web-0"}' },
    ])
    expect(ran).toBe(false)
  })
})

describe('contexts', () => {
  it('reach the action as facts and as tokens; one that fails fails the action', async () => {
    let seen: unknown
    const node = defineContext({
      name: 'k8snode',
      summary: 'The node',
      gives: { 'node.hostname': 'Name' },
      run: async () => ({ 'node.hostname': 'n1' }),
    })
    const broken = defineContext({
      name: 'aws',
      summary: 'Nothing',
      gives: { 'aws.region': 'Region' },
      run: () => Promise.reject(new Error('no metadata')),
    })
    const say = defineActionner({
      ...base,
      name: 'test:say',
      effect: 'observe',
      repeatable: true,
      parameters: z.object({ command: z.string().describe('A program').meta({ shell: true }) }),
      examples: [{ title: 'Hello', parameters: { command: 'echo' } }],
      async run({ context, tokens, parameters }) {
        seen = { rule: context['falco-talon.rule'], tokens, command: parameters.command }
        return done('said')
      },
    })
    const command = `echo "$NODE_HOSTNAME" "$\{FALCO-TALON_RULE}"`
    const actions =
      step('test:say', `, additional_contexts: [k8snode], parameters: { command: '${command}' }`) +
      step('test:say', `, additional_contexts: [aws], parameters: { command: "true" }`)
    const { talon, reports, settled } = await start(rule(actions), [node, broken, say])
    await talon.handle(body())
    await settled()
    expect(seen).toEqual({
      rule: 'Answer',
      tokens: { NODE_HOSTNAME: 'n1', FALCO_TALON_RULE: 'Answer' },
      command: 'echo "${NODE_HOSTNAME}" "${FALCO_TALON_RULE}"',
    })
    expect(reports.map(({ status, error }) => [status, error])).toEqual([
      ['success', undefined],
      ['failure', 'no metadata'],
    ])
  })
})

describe('work that comes late', () => {
  it('changes nothing any more, and still observes', async () => {
    const ran: string[] = []
    const change = act('test:change', () => void ran.push('change'))
    const watch = act('test:watch', () => void ran.push('watch'), { effect: 'observe' })
    const kept = memoryJournal({ maxEvents: 10, now: () => 0 })
    const old = decode(body(), { id: '1', received: Date.now() - 11 * 60_000, traceId: 'a'.repeat(32) })
    await kept.accept(old, { key: 'k', length: 0, sliding: false })
    const { reports, settled } = await start(rule(step('test:watch') + step('test:change')), [change, watch], {
      journal: kept,
    })
    await settled()
    expect(ran).toEqual(['watch'])
    expect(reports[1]).toMatchObject({
      status: 'ignored',
      message: expect.stringMatching(/^the event is 66\d s old: .*max_event_age/),
    })
  })
})
