import { aws, type Aws } from '@talon/client-aws'
import { falcoEvent, run, type RunOptions } from '@talon/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { z } from 'zod'
import { startAwsMock, type AwsMock } from '../../../apps/server-e2e/src/aws-mock.ts'
import { lambda } from './lambda.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
let mock: AwsMock
let client: Aws
beforeEach(async () => {
  mock = await startAwsMock()
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ENDPOINT_URL', mock.url)
  mock.functions.set('isolate', { qualifiers: { '3': '3', live: '3' }, run: () => '{"isolated":true}' })
  client = await aws.open({ region: mock.region, access_key: mock.accessKey, secret_key: mock.secretKey }, { log })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await client.close()
  await mock.close()
})

type Parameters = Partial<z.input<typeof lambda.parameters>>
type Options = Partial<RunOptions<{ readonly aws: Aws }>>
const invoke = (parameters: Parameters = {}, options: Options = {}) =>
  run(lambda, { aws_lambda_name: 'isolate', ...parameters }, { clients: { aws: client }, ...options })

describe('aws:lambda', () => {
  it('gives the function the event as it came, with the context in it, and takes its answer for the result', async () => {
    const event = {
      ...falcoEvent(),
      raw: '{"rule":"x","output_fields":{"evt.time":1667319338184268801,"a":18446744073709551615}}',
    }
    const outcome = await invoke({}, { event, context: { 'falco-talon.rule': 'isolate it' } })
    expect(outcome).toMatchObject({
      status: 'success',
      message: "the function 'isolate' ($LATEST) was invoked",
      objects: { name: 'isolate', version: '$LATEST' },
      output: '{"isolated":true}',
    })
    expect(mock.invoked).toEqual([
      {
        name: 'isolate',
        version: '$LATEST',
        type: 'RequestResponse',
        payload: `${event.raw.slice(0, -1)},"context":{"falco-talon.rule":"isolate it"}}`,
      },
    ])
  })

  it.each([
    ['an alias', { aws_lambda_alias_or_version: 'live' }, '3'],
    ['a version', { aws_lambda_alias_or_version: '3' }, '3'],
    ['an alias in its name', { aws_lambda_name: 'isolate:live' }, '3'],
    ['an ARN', { aws_lambda_name: 'arn:aws:lambda:eu-test-1:111122223333:function:isolate' }, '$LATEST'],
  ])('invokes what is named by %s', async (_, parameters, version) => {
    expect(await invoke(parameters)).toMatchObject({ status: 'success', objects: { version } })
  })

  it('asks in the region of an ARN', async () => {
    const outcome = await invoke({ aws_lambda_name: 'arn:aws:lambda:us-east-1:111122223333:function:isolate' })
    expect(outcome).toMatchObject({ status: 'failure', message: expect.stringContaining('another region') as string })
    expect(mock.asked[0]?.headers.authorization).toContain('/us-east-1/lambda/')
  })

  it('leaves an event with the function, and waits for nothing', async () => {
    const outcome = await invoke({ aws_lambda_invocation_type: 'Event' })
    expect(outcome).toMatchObject({
      status: 'success',
      message: "the event was left with the function 'isolate' ($LATEST)",
    })
    expect(mock.invoked.map(({ type }) => type)).toEqual(['Event'])
  })

  it.each([
    ['where it is asked for', { aws_lambda_invocation_type: 'DryRun' } as const, {}],
    ['in a dry run', {}, { dryRun: true }],
  ])('lets AWS check the rights and runs nothing %s', async (_, parameters, options) => {
    expect(await invoke(parameters, options)).toMatchObject({
      status: 'success',
      message: expect.stringMatching(/^dry run/) as string,
    })
    expect(mock.invoked).toEqual([])
    expect(mock.asked.map(({ headers }) => headers['x-amz-invocation-type'])).toEqual(['DryRun'])
    expect(await invoke({ ...parameters, aws_lambda_name: 'gone' }, options)).toMatchObject({ status: 'failure' })
  })

  it('fails with the message of a function that fails, and shows the end of its log', async () => {
    mock.functions.set('isolate', {
      run: () => Promise.reject(new TypeError('no such\ninstance')),
      log: `START\n${'x'.repeat(9000)}\nTraceback\nEND\n`,
    })
    const outcome = await invoke()
    expect(outcome).toMatchObject({
      status: 'failure',
      message: "the function 'isolate' ($LATEST) failed: TypeError: no such instance; its log says more",
      error: { retryable: false },
      output: expect.stringMatching(/x\nTraceback\nEND\n$/) as string,
    })
    expect((outcome.output ?? '').length).toBeLessThanOrEqual(4096)
  })

  it('takes a bounded part of a long answer, in whole characters', async () => {
    mock.functions.set('isolate', { run: () => `"${'ü'.repeat(100_000)}"` })
    expect((await invoke()).output).toMatch(/^"ü{32767}$/)
  })

  it.each([
    [
      'it is throttled',
      { run: (): string => '', throttled: 1 },
      /TooManyRequestsException: Rate Exceeded.*; AWS throttles/,
      { retryable: true, retryAfter: 1000 },
    ],
    [
      'it may not be invoked',
      { run: (): string => '', allowed: [] },
      /AccessDeniedException: .*; grant lambda:InvokeFunction to/,
      { retryable: false },
    ],
    [
      'there is none',
      undefined,
      /ResourceNotFoundException: Function not found: .*; check the name, and that it is in this region/,
      { retryable: false },
    ],
  ])('says what to do where %s, and tries no second time', async (_, called, words, error) => {
    mock.functions.delete('isolate')
    if (called) mock.functions.set('isolate', called)
    const outcome = await invoke()
    expect(outcome).toMatchObject({ status: 'failure', error })
    expect(outcome.message).toMatch(/^invoking the Lambda function 'isolate' failed: /)
    expect(outcome.message).toMatch(words)
    expect(mock.asked).toHaveLength(1)
  })

  it('says so where the session has ended', async () => {
    mock.keys.set(mock.accessKey, { secret: mock.secretKey, until: 0 })
    expect((await invoke()).message).toMatch(/ExpiredTokenException: .*; the session expired/)
  })

  it('may be tried again where the clock of the machine is wrong, and goes by that of AWS then', async () => {
    mock.skew = 3_600_000
    const outcome = await invoke()
    expect(outcome).toMatchObject({ status: 'failure', error: { retryable: true } })
    expect(outcome.message).toMatch(
      /InvalidSignatureException: Signature expired: .*; the clock of this machine is wrong/,
    )
    expect(await invoke()).toMatchObject({ status: 'success' })
  })

  it('ends with its job while the function still runs', async () => {
    const ending = new AbortController()
    mock.functions.set('isolate', {
      run() {
        ending.abort(new Error('Talon is stopping'))
        return new Promise(() => {})
      },
    })
    expect(await invoke({}, { signal: ending.signal })).toMatchObject({
      status: 'failure',
      message: 'Talon is stopping',
    })
  })

  it.each(['${PROC_NAME}', 'a/b', 'a b', '', 'arn:aws:s3:::bucket', 'isolate:live:2'])(
    'takes no %j for a name',
    (aws_lambda_name) => {
      expect(lambda.parameters.safeParse({ aws_lambda_name }).success).toBe(false)
    },
  )

  it.each(['${HOSTNAME}', '$HOME', 'a.b', ''])('takes no %j for a qualifier', (aws_lambda_alias_or_version) => {
    expect(lambda.parameters.safeParse({ aws_lambda_name: 'isolate', aws_lambda_alias_or_version }).success).toBe(false)
  })

  it('leaves $LATEST as it is written, whatever the event says', async () => {
    const event = falcoEvent({ fields: { latest: '3' } })
    expect(await invoke({ aws_lambda_alias_or_version: '$LATEST' }, { event })).toMatchObject({
      objects: { version: '$LATEST' },
    })
  })
})
