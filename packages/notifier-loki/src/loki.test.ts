import type { Report } from '@talon/plugin'
import { checkPlugin, falcoEvent, report, runNotifier } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { openHttp } from '../../client-http/testing/open.ts'
import { startReceiver, type Answer } from '../../client-http/testing/receiver.ts'
import { addressOf } from './address.ts'
import plugin, { loki } from './index.ts'
import { boundNamespaces, lokiNamespaces } from './namespaces.ts'

checkPlugin(plugin)

const log = { debug() {}, info() {}, warn() {}, error() {} }

function reportOf(parts: Partial<Report> = {}, fields: Readonly<Record<string, unknown>> = {}): Report {
  const event = falcoEvent({ output: 'a shell\u2028in a "container"', fields: { 'k8s.pod.name': 'web-0', ...fields } })
  return report({ rule: 'End Suspects', action: 'Kill it', time: '2026-11-24T12:00:00.123Z', event, ...parts })
}

interface Push {
  readonly streams: readonly { stream: Readonly<Record<string, string>>; values: readonly [string, string][] }[]
}

/** A mock of Loki: it notes what it gets. */
async function receiver(answer: Answer = { status: 204 }) {
  const { url, received } = await startReceiver(() => answer)
  return { url, received, pushes: () => received.map(({ body }) => JSON.parse(body) as Push) }
}

async function tell(settings: z.input<typeof loki.parameters>, ...reports: readonly [Report, ...Report[]]) {
  const clients = { http: await openHttp(), namespaces: await lokiNamespaces.open({}, { log }) }
  return runNotifier(loki, settings, { clients, reports })
}

describe('loki', () => {
  it('labels a report by what rules choose, and tells the rest in a line', async () => {
    const { url, pushes } = await receiver()
    const told = reportOf({ dryRun: true }, { 'evt.time': 1795521584834631763n.toString() })
    await tell({ url }, told)
    expect(pushes()).toHaveLength(1)
    const [{ stream, values } = { stream: {}, values: [] }] = pushes()[0]!.streams
    expect(stream).toEqual({
      rule: 'end_suspects',
      action: 'kill_it',
      actionner: 'kubernetes:label',
      message: 'action',
      status: 'success',
      namespace: 'default',
    })
    const [[time, line] = ['', '']] = values
    expect(time).toBe(`${Date.parse('2026-11-24T12:00:00.123Z')}000000`)
    expect(JSON.parse(line)).toMatchObject({
      summary: 'the pod default/web-0 was labelled',
      rule_name: 'End Suspects',
      trace_id: told.traceId,
      dry_run: true,
      objects: { pod: 'web-0', namespace: 'default' },
      event: 'a shell\u2028in a "container"',
      falco: { output_fields: { 'evt.time': '1795521584834631763', 'k8s.pod.name': 'web-0' } },
    })
  })

  it('puts many reports into one push, a stream for each set of labels, the oldest first', async () => {
    const { url, pushes } = await receiver()
    const second = reportOf({ id: 'r2', time: '2026-11-24T12:00:02.000Z' })
    const failed = reportOf({ id: 'r3', status: 'failure', error: 'no', time: '2026-11-24T12:00:01.000Z' })
    const stored = reportOf({ id: 'r4', stage: 'output', target: 'aws:s3' })
    await tell({ url }, second, failed, stored, reportOf())
    expect(pushes()).toHaveLength(1)
    const told = pushes()[0]!.streams.map(({ stream, values }) => [
      `${stream['message']} ${stream['status']} ${stream['target'] ?? ''}`,
      values.map(([, line]) => (JSON.parse(line) as { id: string }).id),
    ])
    expect(told).toEqual([
      ['output success aws:s3', ['r4']],
      ['action success ', ['report-1', 'r2']],
      ['action failure ', ['r3']],
    ])
  })

  it('sends a report again as it was', async () => {
    const { url, pushes } = await receiver()
    const reports = [reportOf(), reportOf({ id: 'r2' })] as const
    await tell({ url }, ...reports)
    await tell({ url }, ...reports)
    expect(pushes()[1]?.streams).toEqual(pushes()[0]?.streams)
  })

  it('keeps lines and pushes below what Loki takes', async () => {
    const { url, pushes } = await receiver()
    const output = 'é'.repeat(60_000)
    const many = Array.from({ length: 40 }, (_, index) => reportOf({ id: `r${index}`, output }))
    await tell({ url }, reportOf({ id: 'huge', output: '\u0000'.repeat(1_000_000) }), ...many)
    const lines = pushes().flatMap(({ streams }) => streams.flatMap(({ values }) => values.map(([, line]) => line)))
    expect(lines).toHaveLength(41)
    for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThan(256_000)
    expect(pushes().length).toBeGreaterThan(1)
    for (const { streams } of pushes())
      expect(streams.flatMap(({ values }) => values.join('')).join('').length).toBeLessThan(2_000_000)
  })

  it('names its tenant and its user, whatever custom headers say', async () => {
    const { url, received } = await receiver()
    const custom_headers = { 'X-Extra': 'yes', 'x-scope-orgid': 'other', AUTHORIZATION: 'Bearer x' }
    await tell({ host_port: url, user: 'me', api_key: 'key', tenant: 'security', custom_headers }, reportOf())
    expect(received[0]).toMatchObject({
      path: '/loki/api/v1/push',
      headers: {
        'content-type': 'application/json',
        'x-extra': 'yes',
        'x-scope-orgid': 'security',
        authorization: `Basic ${Buffer.from('me:key').toString('base64')}`,
      },
    })
  })

  it.each([
    ['http://loki:3100', 'http://loki:3100/loki/api/v1/push'],
    ['http://loki:3100/', 'http://loki:3100/loki/api/v1/push'],
    ['https://x.org/a/loki/api/v1/push?b=c', 'https://x.org/a/loki/api/v1/push?b=c'],
    ['https://x.org/insert/', 'https://x.org/insert/loki/api/v1/push'],
  ])('sends for %s to %s', (url, address) => {
    expect(addressOf({ url })).toBe(address)
  })

  it.each([
    [400, "entry for stream '{}' has timestamp too old: 2019-10-11", 'reject_old_samples_max_age', false],
    [400, 'entry too far behind, oldest acceptable timestamp is: 2026-11-24', 'ingester.max_chunk_age', false],
    [401, 'no org id', 'notifiers.loki.tenant', false],
    [429, 'Ingestion rate limit exceeded for user fake', 'answered 429', true],
  ])('explains %i %s', async (status, words, advice, retryable) => {
    const { url } = await receiver({ status, headers: { 'retry-after': '2' }, body: words })
    const { message, ...sent } = await tell({ url }, reportOf())
    expect(sent).toMatchObject({ error: { kind: 'action', retryable, retryAfter: 2000 } })
    expect(message).toContain(advice)
  })

  it.each([
    [{}, 'is missing'],
    [{ url: 'loki:3100' }, 'is no http'],
    [{ url: 'http://loki', tenant: 'a\r\nb: c' }, 'is no value of a header'],
    [{ url: 'http://loki', custom_headers: { 'X Y': 'z' } }, 'is no name of a header'],
  ])('takes no settings that cannot work: %j', (parameters, words) => {
    expect(JSON.stringify(loki.parameters.safeParse(parameters).error?.issues)).toContain(words)
  })
})

describe('the label namespace', () => {
  it('comes from the event where the report has none', () => {
    const namespaces = boundNamespaces(10)
    expect(namespaces.of(reportOf({ objects: {} }, { 'ka.target.namespace': 'audited' }))).toBe('audited')
    expect(namespaces.of(reportOf({ objects: {} }))).toBeUndefined()
  })

  it('has a bounded number of values, however many an event names, and takes no hostile one', () => {
    const namespaces = boundNamespaces(10)
    expect(namespaces.of(reportOf({ objects: { namespace: '{a="b"}\n' } }))).toBe('other')
    const named = (index: number) => namespaces.of(reportOf({ objects: { namespace: `ns-${index}` } }))
    const values = new Set(Array.from({ length: 1000 }, (_, index) => named(index)))
    expect(values.size).toBe(11)
    expect([named(3), named(999)]).toEqual(['ns-3', 'other'])
  })
})
