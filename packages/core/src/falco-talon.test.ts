import { readFileSync } from 'node:fs'
import {
  auditName,
  auditNamespace,
  auditResource,
  defineActionner,
  defineContext,
  defineNotifier,
  defineOutput,
  definePlugin,
  done,
  namespace,
  podName,
  remoteIp,
  type Actionner,
} from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compile } from './compile.ts'
import { readConfig } from './config.ts'
import { Host } from './host.ts'
import { printRules } from './print.ts'

// Stand-ins with the parameters of Falco Talon's own actionners, outputs and notifiers: core knows no plugin.
const run = async () => done('done')
const text = z.string()
const cidrs = z.array(z.union([z.cidrv4(), z.cidrv6()])).default([])
const count = z.number().int().min(0)
const share = z.union([count, text.regex(/^\d+%?$/)])
const texts = z.array(text).default([])
const program = text.meta({ shell: true })
const pod = { pod: podName, namespace }
const act = (name: string, shape: z.ZodRawShape, more: Partial<Actionner> = {}) =>
  defineActionner({
    name,
    summary: 'A stand-in',
    examples: [],
    effect: 'change',
    repeatable: true,
    needs: pod,
    parameters: z.object(shape),
    run,
    ...more,
  })
const guards = {
  grace_period_seconds: count.optional(),
  ignore_daemonsets: z.boolean().default(false),
  ignore_statefulsets: z.boolean().default(false),
  min_healthy_replicas: share.optional(),
}
const level = z.enum(['pod', 'node']).default('pod')
const map = z.record(text, text)
const store = (name: string) =>
  defineOutput({
    name,
    summary: 'A stand-in',
    examples: [],
    parameters: z.object({ bucket: text, prefix: text.optional().meta({ tokens: 'segment' }) }),
    run,
  })
const tell = (name: string, parameters: z.ZodObject) =>
  defineNotifier({ name, summary: 'A stand-in', examples: [], parameters, run })
const lenient = z.object({ format: text.optional(), tls: z.boolean().default(false), user: text.optional() })
const hostPort = z
  .object({
    url: z.url().optional(),
    host_port: text.optional(),
    user: text.optional(),
    api_key: text.optional().meta({ secret: true }),
    tenant: text.optional(),
    custom_headers: map.default({}),
  })
  .refine(({ url, host_port }) => url ?? host_port, 'needs url or host_port')
const host = new Host().add(
  definePlugin({
    name: 'stand-ins',
    provides: [
      act('kubernetes:terminate', guards, { continue: false }),
      act('kubernetes:label', { level, labels: map }),
      act('kubernetes:annotation', { level, annotations: map }),
      act('kubernetes:networkpolicy', { allow_cidr: cidrs, allow_namespaces: texts }),
      act('kubernetes:exec', { shell: text.optional(), command: program }),
      act('kubernetes:script', { shell: text.optional(), script: program.optional(), file: text.optional() }),
      act('kubernetes:log', { tail_lines: count.default(20), container: text.optional() }, { output: 'optional' }),
      act('kubernetes:download', { file: text.meta({ tokens: 'text' }) }, { output: 'required' }),
      act('kubernetes:tcpdump', { duration: count.default(5), snaplen: count.default(4096) }, { output: 'required' }),
      act('kubernetes:sysdig', { duration: count.default(5), scope: level }, { output: 'required' }),
      act('kubernetes:delete', {}, { needs: { auditResource, auditName, auditNamespace }, continue: false }),
      act('kubernetes:cordon', {}),
      act('kubernetes:drain', { ...guards, max_wait_period: count.default(0), wait_period_excluded_namespaces: texts }),
      act(
        'calico:networkpolicy',
        { allow_cidr: cidrs, allow_namespaces: texts, order: z.number().optional() },
        { needs: { ...pod, remoteIp } },
      ),
      act('cilium:networkpolicy', { allow_cidr: cidrs, allow_namespaces: texts }, { needs: { ...pod, remoteIp } }),
      act(
        'aws:lambda',
        {
          aws_lambda_name: text,
          aws_lambda_alias_or_version: text.default('$LATEST'),
          aws_lambda_invocation_type: z.enum(['RequestResponse', 'Event', 'DryRun']).default('RequestResponse'),
        },
        { needs: {} },
      ),
      act(
        'gcp:function',
        { gcp_function_name: text, gcp_function_location: text, gcp_function_timeout: count.default(10) },
        { needs: {} },
      ),
      store('aws:s3'),
      store('minio:s3'),
      store('gcp:gcs'),
      defineOutput({
        name: 'local:file',
        summary: 'A stand-in',
        examples: [],
        parameters: z.object({ destination: text }),
        run,
      }),
      tell('k8sevents', z.object({})),
      tell(
        'slack',
        z.object({
          webhook_url: z.url().meta({ secret: true }),
          icon: text.optional(),
          username: text.optional(),
          footer: text.optional(),
          format: z.enum(['long', 'short']).default('long'),
        }),
      ),
      tell('webhook', z.object({ url: z.url() })),
      tell('smtp', lenient.extend({ host_port: text, from: text, to: text, password: text.meta({ secret: true }) })),
      tell('loki', hostPort),
      tell(
        'elasticsearch',
        z.object({
          url: z.url(),
          create_index_template: z.boolean().default(true),
          number_of_shards: count.default(3),
          number_of_replicas: count.default(3),
        }),
      ),
      defineContext({
        name: 'k8snode',
        summary: 'A stand-in',
        gives: { 'node.hostname': 'Name' },
        run: async () => ({}),
      }),
      defineContext({ name: 'aws', summary: 'A stand-in', gives: { 'aws.region': 'Region' }, run: async () => ({}) }),
    ],
  }),
)

const source = (folder: string, name: string) => ({
  name,
  text: readFileSync(new URL(`../fixtures/${folder}/${name}`, import.meta.url), 'utf8'),
})
const built = (...names: string[]) =>
  compile(
    names.map((name) => source('rules', name)),
    host,
    { default_notifiers: ['k8sevents'] },
  )
const configured = (name: string) => readConfig({ file: source('config', name), env: {}, definitions: host })

describe("rules files of Falco Talon's users are taken as they are", () => {
  it('a small one, without a doubt', () => {
    const { ruleset, issues } = built('starter.yaml')
    expect(issues).toEqual([])
    expect(ruleset?.rules.map(({ planned }) => planned)).toMatchObject([
      {
        rule: 'Terminal shell in container',
        continue: true,
        notifiers: ['k8sevents'],
        steps: [{ actionner: 'kubernetes:label', parameters: { labels: { 'analysis/status': 'suspicious' } } }],
      },
    ])
  })

  it('two, the later one completing the earlier', () => {
    const { ruleset, issues } = built('starter.yaml', 'override.yaml')
    expect(issues).toEqual([])
    expect(ruleset?.rules[0]?.planned.steps).toMatchObject([
      { action: 'Label Pod as Suspicious' },
      {
        action: 'Terminate Pod',
        continue: false,
        parameters: { ignore_daemonsets: true, ignore_statefulsets: true, grace_period_seconds: 2 },
      },
    ])
  })

  it('an old one, with doubts about what is gone', () => {
    const { ruleset, issues } = built('old-parameters.yaml')
    expect(issues.map(({ level, line, message }) => `${line} ${level}: ${message}`)).toEqual([
      "24 warning: unknown parameter of kubernetes:networkpolicy 'allow'",
      "30 warning: unknown parameter of kubernetes:terminate 'gracePeriods'",
    ])
    expect(ruleset?.rules[0]?.planned.steps.map(({ parameters }) => parameters)).toEqual([
      {},
      { labels: { suspicious: 'true' } },
      { min_healthy_replicas: '33%' },
    ])
  })

  it('one with everything in it', () => {
    const { ruleset, issues } = built('everything.yaml')
    expect(issues).toEqual([])
    const [shell, contact, stranger] = ruleset?.rules.map(({ planned }) => planned) ?? []
    expect(shell?.steps.map(({ actionner }) => actionner)).toEqual([
      'kubernetes:label',
      'kubernetes:log',
      'kubernetes:script',
      'kubernetes:exec',
      'kubernetes:download',
      'kubernetes:tcpdump',
      'kubernetes:sysdig',
    ])
    expect(shell?.steps[0]).toMatchObject({
      continue: true,
      parameters: { level: 'pod', labels: { app: '', forensics: 'true', generation: '2' } },
    })
    expect(shell?.steps[1]).toMatchObject({
      ignoreErrors: true,
      parameters: { tail_lines: 200, container: 'main' },
      output: { target: 'aws:s3', parameters: { prefix: '/logs/${K8S_NS_NAME}' } },
    })
    expect(contact?.steps[4]).toMatchObject({
      contexts: ['aws', 'k8snode'],
      parameters: { aws_lambda_alias_or_version: '$LATEST' },
    })
    expect(stranger).toMatchObject({
      dryRun: true,
      continue: false,
      steps: [{}, { parameters: { annotations: { gone: '' } } }],
    })
  })
})

it.each([['starter.yaml', 'override.yaml'], ['old-parameters.yaml'], ['everything.yaml']])(
  'rules that are printed say what their files say: %s',
  (...names) => {
    const { yaml } = printRules(names.map((name) => source('rules', name)))
    const printed = compile([{ name: 'printed.yaml', text: yaml }], host, { default_notifiers: ['k8sevents'] })
    expect(printed.ruleset?.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(printed.ruleset?.hash).toBe(built(...names).ruleset?.hash)
  },
)

describe("config files of Falco Talon's users are taken as they are", () => {
  it("a chart's, with its empty settings", () => {
    const { config, issues } = configured('chart.yaml')
    expect(issues).toEqual([])
    expect(config).toMatchObject({ default_notifiers: ['k8sevents'], otel: { collector_endpoint: 'localhost' } })
  })

  it('one written by hand, with texts for numbers, single values for lists and headers as a list', () => {
    const { config, issues } = configured('by-hand.yaml')
    expect(issues).toEqual([])
    expect(config).toMatchObject({
      listen_port: 2803,
      rules_files: ['./rules.yaml'],
      watch_rules: true,
      default_notifiers: ['loki'],
      notifiers: { loki: { custom_headers: { 'X-Scope': 'talon', 'X-Team': 'security' } } },
      sections: { kubernetes: { kubeconfig: '~/.kube/config' }, minio: { use_ssl: false } },
    })
  })
})
