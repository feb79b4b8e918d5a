import { defineClient, defineNotifier, done } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readConfig, redact } from './config.ts'
import { secretValues } from './secret-values.ts'

const slack = defineNotifier({
  name: 'slack',
  summary: 'A test',
  parameters: z.object({
    webhook_url: z.url().meta({ secret: true }).describe('Where to'),
    format: z.enum(['long', 'short']).default('long').describe('How'),
    custom_headers: z.record(z.string(), z.string()).optional().meta({ secret: true }).describe('Headers'),
  }),
  examples: [{ title: 'One', parameters: { webhook_url: 'https://x.test' } }],
  run: async () => done('sent'),
})
const vault = defineClient({
  name: 'vault',
  summary: 'A third party',
  settings: z.object({ url: z.string(), token: z.string().optional().meta({ secret: true }) }),
  open: () => 0,
})
const definitions = { clients: () => [vault], list: () => [slack] }

const read = (text: string, more: Partial<Parameters<typeof readConfig>[0]> = {}) =>
  readConfig({ file: { name: 'c.yaml', text }, env: {}, definitions, ...more })
const said = (text: string, more = {}) =>
  read(text, more).issues.map(
    ({ file, line, column, level, message }) => `${file}:${line}:${column} ${level}: ${message}`,
  )

describe('settings', () => {
  it('have their defaults where nothing is said', () => {
    const { config, issues } = readConfig({ env: {} })
    expect(issues).toEqual([])
    expect(config).toMatchObject({
      listen_address: '0.0.0.0',
      listen_port: 2803,
      watch_rules: true,
      retries: 3,
      concurrency: 64,
      max_event_age: 600,
    })
    expect(config.deduplication).toEqual({
      leader_election: true,
      time_window_seconds: 5,
      key: [],
      sliding: false,
      lease: { name: 'talon', duration: 6, renew: 4, retry: 1 },
    })
    expect(config.journal).toMatchObject({
      type: 'sqlite',
      max_events: 100_000,
      max_bytes: 2 ** 30,
      keep: 7 * 24 * 3600,
      on_failure: 'refuse',
    })
  })

  it('of flags win over the environment, which wins over the file', () => {
    const text =
      'listen_port: 1\nretries: 1\nconcurrency: 1\ndeduplication: { time_window_seconds: 1, sliding: true }\n'
    const env = {
      LISTEN_PORT: '2',
      RETRIES: '2',
      DEDUPLICATION_TIME_WINDOW_SECONDS: '2',
      DEFAULT_NOTIFIERS: 'slack, slack',
      DEDUPLICATION_KEY: 'rule,k8s.pod.name',
    }
    const { config, issues } = read(text, { env, flags: { listen_port: 3 } })
    expect(issues).toEqual([])
    expect(config).toMatchObject({ listen_port: 3, retries: 2, concurrency: 1, default_notifiers: ['slack', 'slack'] })
    expect(config.deduplication).toMatchObject({ time_window_seconds: 2, sliding: true, key: ['rule', 'k8s.pod.name'] })
  })

  it("of plugins are read by their own schemas, and Falco Talon's kubeconfig is the Kubernetes client's", () => {
    const { config, issues } = read('kubeconfig: /k\nvault: { url: 5 }\n', {
      env: {
        NOTIFIERS_SLACK_WEBHOOK_URL: 'https://h.test',
        NOTIFIERS_SLACK_CUSTOM_HEADERS: 'X-A: b,X-C:d',
        VAULT_TOKEN: 't',
      },
    })
    expect(issues).toEqual([])
    expect(config.sections).toMatchObject({ kubernetes: { kubeconfig: '/k' }, vault: { url: '5', token: 't' } })
    expect(config.notifiers).toEqual({
      slack: { webhook_url: 'https://h.test', custom_headers: { 'X-A': 'b', 'X-C': 'd' } },
    })
  })

  it('that are secret may come from a file', () => {
    const readFile = (path: string) => {
      if (path !== '/run/s') throw new Error('no such file')
      return 'https://h.test/x\n'
    }
    expect(read('notifiers: { slack: { webhook_url_file: /run/s } }', { readFile }).config.notifiers).toEqual({
      slack: { webhook_url: 'https://h.test/x' },
    })
    expect(read('', { readFile, env: { NOTIFIERS_SLACK_WEBHOOK_URL_FILE: '/run/s' } }).config.notifiers).toEqual({
      slack: { webhook_url: 'https://h.test/x' },
    })
    expect(said('notifiers: { slack: { webhook_url_file: /nowhere } }', { readFile })).toContainEqual(
      'c.yaml:1:41 error: webhook_url_file: /nowhere cannot be read: no such file',
    )
  })

  it.each([
    ['10m', 600],
    ['1h30m', 5400],
    ['"90"', 90],
    ['1.5', 1.5],
    ['250ms', 0.25],
  ])('of time are seconds, or durations: %s', (written, wanted) =>
    expect(read(`max_event_age: ${written}`).config.max_event_age).toBe(wanted),
  )

  it('have their keys in any case, and the environment finds them', () => {
    const { config, issues } = read('Kubeconfig: /file\nkubeConfigs: x\n', { env: { KUBECONFIG: '/env' } })
    expect(issues.map(({ message }) => message)).toEqual(["unknown setting 'kubeConfigs'"])
    expect(config.kubeconfig).toBe('/env')
  })

  it.each([
    ['yes', true],
    ['no', false],
    ['1', true],
    ['0', false],
    ['False', false],
  ])('that are true or false are said as %s too', (written, wanted) =>
    expect(read('', { env: { WATCH_RULES: written } }).config.watch_rules).toBe(wanted),
  )

  it('of notifiers and clients that nobody uses may be empty, whatever they require', () => {
    const loki = defineNotifier({
      name: 'loki',
      summary: 'A test',
      parameters: z
        .object({ url: z.string().optional(), host_port: z.string().optional() })
        .refine(({ url, host_port }) => url ?? host_port, 'needs url or host_port'),
      examples: [{ title: 'One', parameters: { url: 'x' } }],
      run: async () => done('sent'),
    })
    const { issues } = read('notifiers:\n  slack:\n    webhook_url: ""\n  loki:\n    url:\nvault:\n  url:\n', {
      definitions: { clients: () => [vault], list: () => [slack, loki] },
    })
    expect(issues).toEqual([])
  })

  it('that are right stay where another is wrong', () => {
    const { config, issues } = read('listen_port: many\ndefault_notifiers: [slack]\nretries: 7\n')
    expect([issues.length, config.retries, config.default_notifiers, config.listen_port]).toEqual([
      1,
      7,
      ['slack'],
      2803,
    ])
  })

  it('leave to the AWS SDK what EKS gives to it', () => {
    const env = { AWS_ROLE_ARN: 'arn:x', AWS_ROLE_EXTERNAL_ID: 'e' }
    expect(read('', { env }).config.aws).toMatchObject({ role_arn: 'arn:x', external_id: 'e' })
    expect(read('', { env: { ...env, AWS_WEB_IDENTITY_TOKEN_FILE: '/t' } }).config.aws).toEqual({ external_id: 'e' })
  })
})

describe('the variable of every program for its proxy', () => {
  const client = { name: 'http', summary: 'A test', open: () => 0 }
  const http = defineClient({ ...client, settings: z.object({ proxy: z.string().optional(), timeout: z.number() }) })

  it('is no setting of the section http: it is for http:// alone, and HTTPS_PROXY may say another', () => {
    const env = { HTTP_PROXY: 'http://proxy', HTTP_TIMEOUT: '7' }
    const { config } = read('http: {}', { env, definitions: { ...definitions, clients: () => [http] } })
    expect(config.sections['http']).toEqual({ timeout: 7 })
  })
})

describe('a config file that is wrong', () => {
  it.each([
    ['listen_prot: 1', "c.yaml:1:1 warning: unknown setting 'listen_prot'"],
    ['listen_port: many', 'c.yaml:1:14 error: listen_port: must be a number'],
    ['listen_port: 70000', 'c.yaml:1:14 error: listen_port: must be at most 65535'],
    ['max_event_age: 10 minutes', expect.stringMatching(/1:16 error: max_event_age: must be seconds, or a duration/)],
    ['max_event_age: 0s', 'c.yaml:1:16 error: max_event_age: must be more than 0'],
    ['journal: { type: sqllite }', 'c.yaml:1:18 error: journal.type: must be sqlite, memory or nats'],
    ['dry_run: true', "c.yaml:1:1 error: unknown setting 'dry_run'"],
    ['deduplication:\n  slide: 1', "c.yaml:2:3 warning: unknown setting 'slide'"],
    ['default_notifiers: [slck]', "c.yaml:1:21 error: unknown notifier 'slck'"],
    [
      'notifiers: { slack: { webhook_url: nowhere } }',
      expect.stringMatching(/^c\.yaml:1:36 error: notifiers\.slack\.webhook_url: Invalid URL/),
    ],
    ['- a', 'c.yaml:1:1 error: a config file is a block of settings: "listen_port: 2803"'],
    ['a: [', expect.stringMatching(/error: YAML/)],
  ])('says so: %s', (text, wanted) => expect(said(text)).toContainEqual(wanted))

  it('says so of the environment, without its value', () => {
    const { issues } = read('', { env: { LISTEN_PORT: 'sesame', UNHEARD_OF: 'x', PATH: '/bin' } })
    expect(issues).toMatchObject([
      { level: 'error', file: 'environment variable LISTEN_PORT', message: 'listen_port: must be a number' },
    ])
    expect(JSON.stringify(issues)).not.toContain('sesame')
  })
})

it.each([
  'notifiers: { slack: { webhook_url: hooks/SESAME, format: xx } }',
  'minio: { secret_key: [SESAME] }',
  'minio: { secret_kee: SESAME }',
  'minio:\n  secret_key:\n    - SESAME\n  use_ssl: perhaps',
  'minio: { secret_key: SESAME',
  'minio:\n\tsecret_key: SESAME',
])('no issue shows a secret: %j', (text) => {
  const { issues } = read(text)
  expect(issues.length).toBeGreaterThan(0)
  expect(JSON.stringify(issues)).not.toContain('SESAME')
})

it('shown, settings hide every secret and what nobody knows', () => {
  const { config } = read(
    'minio: { secret_key: s1 }\nnotifiers: { slack: { webhook_url: "https://x.test/s2", format: short, custom_headers: { A: s3 } }, other: { key: s4 } }\nvault: { url: u, token: s5 }\n',
  )
  const shown = redact(config, definitions)
  expect(JSON.stringify(shown)).not.toMatch(/s[1-5]/)
  expect(shown).toMatchObject({ listen_port: 2803, notifiers: { slack: { format: 'short' } } })
})

it('every secret is known by its value, and nothing else is', () => {
  const { config } = read(
    'minio: { endpoint: e1, secret_key: s1 }\nnotifiers: { slack: { webhook_url: s2, format: short, custom_headers: { A: s3 } } }\n',
    { env: { AWS_ACCESS_KEY: 's4' } },
  )
  expect(secretValues(config, definitions).toSorted()).toEqual(['s1', 's2', 's3', 's4'])
})
