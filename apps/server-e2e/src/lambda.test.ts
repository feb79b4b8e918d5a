import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MOCK_PROFILE, startMetadataMock } from './aws-metadata.ts'
import { startAwsMock, type AwsMock } from './aws-mock.ts'
import { openCluster, until, type Cluster } from './cluster.ts'
import { falcoEvent } from './events.ts'
import { startReceiver } from './receiver.ts'
import { startServer, type Server } from './server.ts'

const metadata = await startMetadataMock({ region: 'eu-test-1' }).catch((error: unknown) => {
  console.warn(`no metadata service to ask, so no event was sent with the context aws: ${String(error)}`)
  return undefined
})

const rule = (name: string, parameters: string, { above = '', contexts = '' } = {}) => `
- rule: ${name}
  match: { rules: [${name}], source: aws_cloudtrail }
  ${above}
  actions:
    - action: Invoke it
      actionner: aws:lambda
      ${contexts}
      parameters: { ${parameters} }
`
const RULES = [
  rule('Answer', 'aws_lambda_name: isolate, aws_lambda_alias_or_version: $LATEST', {
    contexts: metadata ? 'additional_contexts: [aws]' : '',
  }),
  rule('Leave', 'aws_lambda_name: isolate, aws_lambda_alias_or_version: 7, aws_lambda_invocation_type: Event'),
  rule('Rehearse', 'aws_lambda_name: isolate', { above: 'dry_run: true' }),
  rule('Fail', 'aws_lambda_name: broken'),
].join('')

const ROLE = 'arn:aws:iam::111122223333:role/talon'

describe('a function of AWS Lambda (a mock that checks signatures)', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-aws-'))
  let cluster: Cluster
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let mock: AwsMock
  let server: Server
  beforeAll(async () => {
    cluster = await openCluster()
    receiver = await startReceiver()
    mock = await startAwsMock()
    mock.roles.set(ROLE, { externalId: 'tenant-7', seconds: 3600 })
    mock.functions.set('isolate', { qualifiers: { 7: '7' }, run: () => '{"isolated":"i-0"}' })
    mock.functions.set('broken', { run: () => Promise.reject(new Error('no such instance')), log: 'Traceback\n' })
    writeFileSync(join(folder, 'secret'), `${mock.secretKey}\n`)
    server = await startServer({
      kubeconfig: cluster.kubeconfig,
      rules: RULES,
      config: `default_notifiers: [webhook]
notifiers: { webhook: { url: "${receiver.url}" } }
aws: { access_key: ${mock.accessKey}, secret_key_file: "${folder}/secret", role_arn: "${ROLE}" }
`,
      env: {
        AWS_ROLE_EXTERNAL_ID: 'tenant-7',
        AWS_ENDPOINT_URL: mock.url,
        AWS_ENDPOINT_URL_STS: mock.url,
        AWS_REGION: mock.region,
        ...(metadata && { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url }),
      },
    })
  }, 240_000)
  afterAll(async () => {
    await server.stop()
    await mock.close()
    await metadata?.close()
    await receiver.close()
    await cluster.close()
    rmSync(folder, { recursive: true })
  }, 240_000)

  let asked = 0
  async function respond(rule: string) {
    const mark = `${rule} ${asked++}`
    const event = falcoEvent(rule, { mark, 'ct.name': 'RunInstances' }, { source: 'aws_cloudtrail' })
    // The numbers that JSON of JavaScript cannot write.
    const body = JSON.stringify(event).replace(
      '"proc.cmdline"',
      '"evt.rawtime":1795521584834631763,"ct.id":18446744073709551615,"proc.cmdline"',
    )
    expect((await server.post(body)).status).toBe(202)
    const told = await until(() => receiver.received.find(({ falco }) => falco.output_fields['mark'] === mark), mark)
    return { told, body }
  }

  it('gets the event with every digit, and the context in it; its answer is told', async () => {
    const { told, body } = await respond('Answer')
    expect(told).toMatchObject({
      status: 'success',
      objects: { name: 'isolate', version: '$LATEST' },
      output: '{"isolated":"i-0"}',
    })
    const [{ payload, type } = { payload: '', type: '' }] = mock.invoked
    expect(type).toBe('RequestResponse')
    expect(payload.startsWith(`${body.slice(0, -1)},"context":{`)).toBe(true)
    expect(JSON.parse(payload)).toHaveProperty('context', {
      'falco-talon.rule': 'Answer',
      'falco-talon.rule.continue': 'true',
      'falco-talon.rule.dryrun': 'false',
      'falco-talon.rule.action': 'Invoke it',
      'falco-talon.rule.action.continue': 'true',
      'falco-talon.rule.action.ignore_errors': 'false',
      'falco-talon.rule.action.parameters': expect.stringContaining('"aws_lambda_name":"isolate"') as string,
      'falco-talon.rule.actionner': 'aws:lambda',
      ...(metadata && {
        'aws.instance_profile_arn': MOCK_PROFILE.arn,
        'aws.instance_profile_id': MOCK_PROFILE.id,
        'aws.region': 'eu-test-1',
      }),
    })
  })

  it('is asked under the role, with its external id', async () => {
    await respond('Answer')
    const [session] = mock.asked.filter(({ body }) => body.includes('Action=AssumeRole'))
    expect(session).toMatchObject({
      key: mock.accessKey,
      body: expect.stringContaining('ExternalId=tenant-7') as string,
    })
    const keys = mock.asked.flatMap(({ service, key }) => (service === 'lambda' ? [key] : []))
    expect(new Set(keys)).toEqual(new Set([expect.stringMatching(/^ASIA/)]))
  })

  it('is left an event in the version that the rule names', async () => {
    expect((await respond('Leave')).told).toMatchObject({ status: 'success', objects: { version: '7' } })
    expect(mock.invoked.at(-1)).toMatchObject({ type: 'Event', version: '7' })
  })

  it('runs nothing for a dry run, which checks that it may', async () => {
    const before = mock.invoked.length
    const { told } = await respond('Rehearse')
    expect(told).toMatchObject({
      status: 'success',
      output: expect.stringMatching(/^dry run: the function 'isolate'/) as string,
    })
    expect(mock.invoked).toHaveLength(before)
    expect(mock.asked.at(-1)?.headers).toMatchObject({ 'x-amz-invocation-type': 'DryRun' })
  })

  it('that fails is told with its message and its log', async () => {
    expect((await respond('Fail')).told).toMatchObject({
      status: 'failure',
      error: expect.stringContaining('Error: no such instance') as string,
      output: 'Traceback\n',
    })
  })

  it('leaves no key in what the server printed', () => {
    expect(server.output()).toContain('isolate')
    for (const { secret } of mock.keys.values()) expect(server.output()).not.toContain(secret)
  })

  it('is not waited for where there are no credentials: what to do is told at once', async () => {
    const config = `default_notifiers: [webhook]\nnotifiers: { webhook: { url: "${receiver.url}" } }`
    const env = {
      AWS_REGION: mock.region,
      AWS_ENDPOINT_URL: mock.url,
      AWS_ENDPOINT_URL_STS: mock.url,
      AWS_EC2_METADATA_DISABLED: 'true',
    }
    const rules = rule('Poor', 'aws_lambda_name: isolate')
    const poor = await startServer({ kubeconfig: cluster.kubeconfig, rules, config, env, wait: false })
    try {
      const mark = 'without credentials'
      const event = falcoEvent('Poor', { mark }, { source: 'aws_cloudtrail' })
      await until(() => {
        if (poor.process.exitCode !== null) throw new Error(poor.output())
        return poor.post(event).catch(() => undefined)
      }, 'the server listens')
      const told = await until(() => receiver.received.find(({ falco }) => falco.output_fields['mark'] === mark), mark)
      expect(told).toMatchObject({ status: 'failure', error: expect.stringContaining('give Talon a role') as string })
      const ready = await fetch(`${poor.url}/readyz`)
      expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('give Talon a role')])
    } finally {
      await poor.stop()
    }
  })
})
