/** A pod that an event is about. */
export interface Place {
  readonly namespace: string
  readonly pod: string
  readonly uid: string
  readonly containerId: string
}

interface Shape {
  readonly rule: string
  readonly priority: string
  readonly text: string
  readonly tags: readonly string[]
  readonly fields: Readonly<Record<string, unknown>>
}

const LAST_SECOND_DIGITS = 9

/** An event in the shape in which Falco 0.43 posts it: nanoseconds, nulls and all. */
function falco({ rule, priority, text, tags, fields }: Shape, { namespace, pod, uid, containerId }: Place): object {
  const time = new Date().toISOString().replace('Z', '834631Z')
  return {
    hostname: 'sandbox-node',
    output: `${time.slice(11, 20 + LAST_SECOND_DIGITS)}: ${priority} ${text}`,
    output_fields: {
      'container.id': containerId,
      'container.name': 'main',
      'container.image.repository': 'docker.io/library/shop',
      'evt.type': 'execve',
      'k8s.ns.name': namespace,
      'k8s.pod.name': pod,
      'k8s.pod.uid': uid,
      'proc.pname': null,
      'user.loginuid': -1,
      'user.name': 'root',
      ...fields,
    },
    priority,
    rule,
    source: 'syscall',
    tags: ['container', 'maturity_stable', ...tags],
    time,
  }
}

export const shell = (place: Place): object =>
  falco(
    {
      rule: 'Terminal shell in container',
      priority: 'Notice',
      text: 'A shell was spawned in a container with an attached terminal | evt_type=execve user=root process=bash terminal=34816',
      tags: ['mitre_execution', 'shell', 'T1059'],
      fields: { 'proc.name': 'bash', 'proc.cmdline': 'bash -i', 'proc.tty': 34816 },
    },
    place,
  )

export const miner = (place: Place): object =>
  falco(
    {
      rule: 'Detect outbound connections to common miner pool ports',
      priority: 'Critical',
      text: 'Outbound connection to IP/Port flagged by https://cryptoioc.ch | ip=203.0.113.7 connection=10.0.0.4:43022->203.0.113.7:3333',
      tags: ['mitre_impact', 'network', 'T1496'],
      fields: {
        'evt.type': 'connect',
        'fd.rip': '203.0.113.7',
        'fd.rport': 3333,
        'proc.name': 'xmrig',
        'proc.cmdline': 'xmrig -o stratum+tcp://203.0.113.7:3333',
      },
    },
    place,
  )

export const dropped = (place: Place): object =>
  falco(
    {
      rule: 'Drop and execute new binary in container',
      priority: 'Critical',
      text: 'Executing binary not part of base image | proc_exe=/tmp/.x evt_arg_flags=EXE_WRITABLE|EXE_UPPER_LAYER',
      tags: ['mitre_persistence', 'process', 'TA0003'],
      fields: { 'proc.name': '.x', 'proc.exe': '/tmp/.x', 'proc.cmdline': '.x -d', 'proc.is_exe_upper_layer': true },
    },
    place,
  )

export const secrets = (place: Place): object =>
  falco(
    {
      rule: 'Read sensitive file untrusted',
      priority: 'Warning',
      text: 'Sensitive file opened for reading by non-trusted program | file=/etc/shadow process=cat command=cat /etc/shadow',
      tags: ['filesystem', 'mitre_credential_access', 'T1555'],
      fields: { 'evt.type': 'openat', 'fd.name': '/etc/shadow', 'proc.name': 'cat', 'proc.cmdline': 'cat /etc/shadow' },
    },
    place,
  )
