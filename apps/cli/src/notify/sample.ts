import { randomBytes, randomUUID } from 'node:crypto'
import { decode } from '@talon/core'
import type { Report } from '@talon/plugin'

/**
 * A report that says itself that it is a test, in each text that a notifier may show.
 * @param received epoch milliseconds
 */
export function sampleReport(notifier: string, received: number): Report {
  const test = `This is a test of Talon's notifier ${notifier}: nothing happened, and nothing was done`
  const time = new Date(received).toISOString()
  const traceId = randomBytes(16).toString('hex')
  const body = {
    rule: 'Test of a notifier',
    priority: 'Informational',
    output: test,
    source: 'syscall',
    hostname: 'talon-test',
    tags: ['test'],
    time,
    output_fields: {
      'k8s.ns.name': 'default',
      'k8s.pod.name': 'talon-test',
      'proc.cmdline': 'sh -c "echo <test> & exit"',
    },
  }
  const event = decode(JSON.stringify(body), { id: `test-${randomUUID()}`, received, traceId })
  return {
    id: event.id,
    stage: 'action',
    status: 'success',
    message: test,
    rule: 'Test of a notifier',
    action: 'Test',
    actionner: 'talon:test',
    dryRun: true,
    objects: { pod: 'talon-test', namespace: 'default' },
    time,
    duration: 0,
    event,
    traceId,
  }
}
