import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { talon } from '../talon.fixture.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'talon-migrate-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const migrate = (...args: string[]) => talon(['migrate', ...args], { cwd: folder })
/** What is said of a kind: `rules.yaml:4`, and the message. */
const said = (stdout: string, kind: string) => stdout.split('\n').filter((line) => line.includes(`: ${kind}: `))

/** As the chart writes it, by hand made worse. */
const CONFIG = `# Falco Talon of the shop
listen_port: "2803" # as ever
deduplication:
  enabled: true
  leader_election: true
default_notifiers:
- loki

otel:
  collector_user: bob
  collector_password: hunter2
  timeout: 20
notifiers:
  # the one of the platform
  loki:
    host_port: "https://talon:hunter3@loki:3100" # in the cluster
    api_key: hunter4
`
const RULES = `# What is done
- action: Mark it # in Grafana too
  actionner: kubernetes:labelize
  parameters:
    labels:
      suspicious: "true"

- action: End it
  actionner: kubernetes:terminate
  parameters:
    min_healthy_replicas: 33%
    gracePeriods: 2

- rule: Shell
  match:
    rules: [Terminal shell in container]
    output_fields:
      - k8s.ns.name!=kube-system, proc.cmdline=sh -c A=b
  dry_run: true
  actions:
    - action: Mark it
    - action: Look
      actionner: kubernetes:exec
      parameters:
        command: cat \${FD_NAME} | head -1 # the file
    - action: Keep it
      actionner: kubernetes:log
      output:
        target: local:file
        parameters: { destination: /var/log/falco-talon }
    - action: End it
`

describe('talon migrate', () => {
  it('says what had no effect, what is written otherwise and what differs, each with its line', () => {
    write('config.yaml', CONFIG)
    write('rules.yaml', RULES)
    const { status, stdout, stderr } = migrate('-c', 'config.yaml', '-r', 'rules.yaml')
    expect([status, stderr]).toEqual([0, ''])
    expect(said(stdout, 'removed')).toEqual([
      "config.yaml:4: removed: setting 'enabled' never had an effect",
      "config.yaml:10: removed: setting 'collector_user' never had an effect",
      "config.yaml:11: removed: setting 'collector_password' never had an effect",
      "rules.yaml:12: removed: parameter of kubernetes:terminate 'gracePeriods' never had an effect",
    ])
    expect(said(stdout, 'changed')).toEqual([
      'config.yaml:16: changed: notifiers.loki.host_port is called url',
      'rules.yaml:3: changed: the actionner kubernetes:labelize is called kubernetes:label',
      expect.stringMatching(/^rules\.yaml:25: changed: command: double quotes around FD_NAME: /),
    ])
    expect(said(stdout, 'differs')).toEqual([
      expect.stringMatching(/^config\.yaml: .*print_all_events/),
      expect.stringMatching(/^config\.yaml: .*journal\.path/),
      expect.stringMatching(/^config\.yaml:5: .*deduplication\.secret/),
      expect.stringMatching(/^config\.yaml:12: .*otel\.timeout/),
      expect.stringMatching(/^rules\.yaml: .*one after the other/),
      expect.stringMatching(/^rules\.yaml:11: .*min_healthy_replicas/),
      expect.stringMatching(/^rules\.yaml:18: .*output_fields/),
      expect.stringMatching(/^rules\.yaml:19: .*dry_run/),
      expect.stringMatching(/^rules\.yaml:28: .*output/),
    ])
    expect(stdout).toContain('nothing was written')
  })

  it('writes clean files that keep their comments, and that check takes', () => {
    write('config.yaml', CONFIG)
    write('rules.yaml', RULES)
    expect(migrate('-c', 'config.yaml', '-r', 'rules.yaml', '--out', 'clean').status).toBe(0)
    expect([read('config.yaml'), read('rules.yaml')]).toEqual([CONFIG, RULES])
    expect(read('clean/config.yaml')).toBe(
      CONFIG.replace('  enabled: true\n', '')
        .replace(/  collector_.*\n/g, '')
        .replace('host_port', 'url'),
    )
    expect(read('clean/rules.yaml')).toBe(
      RULES.replace('labelize', 'label').replace('    gracePeriods: 2\n', '').replace('${FD_NAME}', '"${FD_NAME}"'),
    )
    expect(statSync(join(folder, 'clean/config.yaml')).mode & 0o777).toBe(0o600)
    const checked = talon(['check', '--strict', '-c', 'clean/config.yaml', '-r', 'clean/rules.yaml'], { cwd: folder })
    expect(checked.stdout).toMatch(/^✓ 1 rule, nothing wrong/)
  })

  it('finds nothing to change in what it wrote', () => {
    write('config.yaml', CONFIG)
    write('rules.yaml', RULES)
    migrate('-c', 'config.yaml', '-r', 'rules.yaml', '--out', 'once')
    const { stdout, status } = migrate('-c', 'once/config.yaml', '-r', 'once/rules.yaml', '--out', 'twice')
    expect(status).toBe(0)
    expect(stdout).toContain('\nnothing to change, 9 differ')
    for (const name of ['config.yaml', 'rules.yaml']) expect(read(`twice/${name}`)).toBe(read(`once/${name}`))
  })

  it('finds a key again in each of the blocks that are merged', () => {
    const block = '- action: End it\n  actionner: kubernetes:terminate\n  parameters:\n    gracePeriods: 2\n'
    write(
      'rules.yaml',
      `${block}- rule: One\n  actions:\n    - action: End it\n      parameters: { gracePeriods: 3 }\n`,
    )
    const { stdout } = migrate('-r', 'rules.yaml', '--out', 'clean')
    expect(said(stdout, 'removed')).toEqual([expect.stringMatching(/^rules\.yaml:4,8: /)])
    expect(read('clean/rules.yaml')).not.toContain('gracePeriods')
  })

  it('prints no secret', () => {
    write(
      'config.yaml',
      `${CONFIG}  slack:\n    webhookurl: https://hooks.slack.com/hunter5\n    webhook_url: hunter6\n`,
    )
    write('rules.yaml', RULES)
    const { stdout, stderr } = migrate('-c', 'config.yaml', '-r', 'rules.yaml')
    expect(stdout).toContain('webhookurl')
    expect(stdout + stderr).not.toMatch(/hunter\d/)
  })

  it.each([
    ['a slip that had no effect', 'dryrun: true', "'dryrun' has no effect, there and here: call it 'dry_run'"],
    ['a criterion outside of match', 'priority: Critical', "call it 'priority' below 'match' if that is meant"],
    ['a mistake that check finds', 'match: { priority: loud }', 'loud'],
  ])('leaves %s to a person, with exit status 1', (_, line, message) => {
    write('rules.yaml', `- rule: One\n  ${line}\n  actions: [{ action: Cordon, actionner: kubernetes:cordon }]\n`)
    const { status, stdout } = migrate('-r', 'rules.yaml', '--out', 'clean')
    expect([status, said(stdout, 'decide')]).toEqual([1, [expect.stringContaining(message)]])
    expect(read('clean/rules.yaml')).toBe(read('rules.yaml'))
  })

  it('does not bring networks back that have been ignored', () => {
    write(
      'rules.yaml',
      '- action: Cut\n  actionner: kubernetes:networkpolicy\n  parameters:\n    allow: [10.0.0.0/8]\n- name: Old\n  action:\n    name: kubernetes:terminate\n',
    )
    const { status, stdout } = migrate('-r', 'rules.yaml')
    expect(status).toBe(1)
    expect(stdout).toContain("rules.yaml:4: decide: 'allow' has no effect, there and here: call it 'allow_cidr'")
    expect(stdout).toContain('rules.yaml:5: decide: this is a rule as it was written before 0.1')
  })

  it('overwrites nothing', () => {
    write('rules.yaml', RULES)
    const { status, stdout, stderr } = migrate('-r', 'rules.yaml', '--out', '.')
    expect([status, stdout, stderr]).toEqual([2, '', expect.stringContaining('rules.yaml is there already')])
  })

  it.each([
    ['no files', [], 'name the files with -c and -r'],
    ['a file that is not there', ['-r', 'nowhere.yaml'], 'nowhere.yaml cannot be read'],
    ['a file that is no YAML', ['-r', 'broken.yaml', '--out', 'clean'], 'broken.yaml:1:'],
  ])('%s is exit status 2', (_, args, message) => {
    write('broken.yaml', 'a: b: c: [\n')
    const { status, stderr } = migrate(...args)
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)])
    expect(existsSync(join(folder, 'clean'))).toBe(false)
  })
})
