import { describe, expect, it } from 'vitest'
import { dedupKey } from './dedup.ts'
import { decode } from './event.ts'

const base = {
  rule: 'Terminal shell',
  priority: 'Notice',
  source: 'syscall',
  hostname: 'node-1',
  output: '10:00:00.000000001: Notice A shell at 10:00:00.1',
  output_fields: { 'k8s.pod.name': 'web-0', 'proc.name': 'sh', 'proc.pid': 7, 'thread.tid': 8, 'evt.time': 1 } as
    | object
    | null,
}
const key = (over: object = {}, fields: readonly string[] = []) =>
  dedupKey(decode(JSON.stringify({ ...base, ...over }), { id: '1', received: 0, traceId: '' }), fields)
const withFields = (over: object) => ({ output_fields: { ...base.output_fields, ...over } })

describe('two events are one', () => {
  it.each([
    [
      'times',
      { time: '2026-01-01T00:00:00Z', ...withFields({ 'evt.time': 2, 'evt.time.iso8601': 3, 'evt.rawtime': 4 }) },
    ],
    [
      'numbers and ids',
      withFields({ 'evt.num': 9, 'proc.pid': 70, 'thread.tid': 80, 'proc.vpid': 1, 'proc.apid[2]': 5, 'proc.sid': 3 }),
    ],
    ['durations', withFields({ 'proc.duration': 5, 'proc.pid.ts': 6, 'container.duration': 7 })],
    ['tags and priority', { tags: ['x'], priority: 'Error' }],
    ['the message', { output: 'other words' }],
  ])('when they differ in %s alone', (_, over) => expect(key(over)).toBe(key()))

  it('when without fields the message is the same but for its time', () =>
    expect(key({ output_fields: null, output: '10:00:09.2: Notice A shell at 10:00:09.1' })).toBe(
      key({ output_fields: null }),
    ))
})

describe('two events are two', () => {
  it.each([
    ['rule', { rule: 'other' }],
    ['source', { source: 'k8s_audit' }],
    ['hostname', { hostname: 'node-2' }],
    ['a field', withFields({ 'k8s.pod.name': 'web-1' })],
    ['a field more', withFields({ 'user.name': 'root' })],
  ])('when they differ in %s', (_, over) => expect(key(over)).not.toBe(key()))
})

describe('a key of their own', () => {
  const byPod = ['rule', 'k8s.pod.name']
  it('groups by what it names', () =>
    expect(key({ hostname: 'other', ...withFields({ 'proc.name': 'bash' }) }, byPod)).toBe(key({}, byPod)))
  it('is the default key for an event that lacks a field of it', () =>
    expect(key({ output_fields: { 'proc.name': 'sh' } }, byPod)).toBe(key({ output_fields: { 'proc.name': 'sh' } })))
})
