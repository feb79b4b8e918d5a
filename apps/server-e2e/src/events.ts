/** A Falco event as `http_output` posts it. */
export function falcoEvent(rule: string, fields: Readonly<Record<string, unknown>>, over: object = {}): object {
  return {
    hostname: 'node-1',
    output: `23:39:44.834631763: Notice ${rule} happened`,
    priority: 'Notice',
    rule,
    source: 'syscall',
    tags: ['container', 'mitre_execution', 'T1059'],
    time: new Date().toISOString().replace('Z', '631763Z'),
    output_fields: { 'evt.time': 1795521584834631763n.toString(), 'proc.cmdline': 'sh', ...fields },
    ...over,
  }
}
