import { GetCallerIdentityCommand, STSClient, STSServiceException } from '@aws-sdk/client-sts'
import { ActionError } from '@talon/plugin'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startAwsMock, type AwsMock } from '../../../apps/server-e2e/src/aws-mock.ts'
import { awsFailure } from './index.ts'

let mock: AwsMock
beforeEach(async () => {
  mock = await startAwsMock()
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await mock.close()
})

/** What comes of asking an endpoint, in the SDK's own words and then in ours. */
async function failureAt(endpoint: string, configuration: object = {}): Promise<ActionError> {
  const credentials = { accessKeyId: mock.accessKey, secretAccessKey: mock.secretKey }
  const client = new STSClient({ region: mock.region, endpoint, credentials, maxAttempts: 1, ...configuration })
  const error: unknown = await client.send(new GetCallerIdentityCommand({})).catch((error: unknown) => error)
  client.destroy()
  return awsFailure(error, 'storing it failed', 's3:PutObject')
}

describe('awsFailure', () => {
  it.each([
    ['nobody listens', () => failureAt('http://127.0.0.1:1'), /ECONNREFUSED.*; check the way to AWS/, true],
    [
      'there is no such host',
      () => failureAt('http://sts.nowhere.invalid'),
      /; there is no such host: check aws.region/,
      true,
    ],
    [
      'there is no TLS',
      () => failureAt(mock.url.replace('http:', 'https:')),
      /; the endpoint does not speak TLS/,
      false,
    ],
    [
      'there is no region',
      () => failureAt(mock.url, { region: undefined }),
      /Region is missing; set aws.region, or AWS_REGION/,
      false,
    ],
    [
      'the region is another',
      () => failureAt(mock.url, { region: 'us-east-1' }),
      /SignatureDoesNotMatch: .*scoped to a valid region.*; it lives in another region: set aws.region/,
      false,
    ],
    [
      'the session has ended',
      () => {
        mock.keys.set(mock.accessKey, { secret: mock.secretKey, until: 0 })
        return failureAt(mock.url)
      },
      /ExpiredToken: .*; the session expired/,
      true,
    ],
  ])('says what to do where %s', async (_, fail, words, retryable) => {
    const failure = await fail()
    expect(failure.message).toMatch(/^storing it failed: /)
    expect(failure.message).toMatch(words)
    expect(failure.retryable).toBe(retryable)
  })

  /** As services answer that the mock does not have. */
  const answered = (name: string, message: string, httpStatusCode: number, headers = {}) =>
    Object.assign(
      new STSServiceException({ name, message, $fault: 'client', $metadata: { httpStatusCode, requestId: 'r-1' } }),
      { $response: { headers } },
    )

  it.each([
    ['AccessDenied', 'Access Denied', 403, /\(request r-1\); grant s3:PutObject to the identity/, false],
    ['NoSuchBucket', 'The specified bucket does not exist', 404, /; create the bucket/, false],
    ['PermanentRedirect', 'The bucket must be addressed', 301, /; it lives in another region/, false],
    ['AuthorizationHeaderMalformed', "the region 'x' is wrong; expecting 'y'", 400, /another region/, false],
    ['RequestTimeTooSkewed', 'The difference is too large', 403, /; the clock of this machine is wrong/, true],
    ['SlowDown', 'Please reduce your request rate', 503, /; AWS throttles/, true],
    ['InternalError', 'We encountered an internal error', 500, /\(request r-1\)$/, true],
    ['InvalidArgument', 'Unknown', 400, /\(request r-1\)$/, false],
  ])('knows %s', (name, message, status, words, retryable) => {
    const failure = awsFailure(answered(name, message, status), 'storing it failed', 's3:PutObject')
    expect(failure.message).toMatch(words)
    expect(failure.retryable).toBe(retryable)
  })

  it('hands on how long to wait', () => {
    const throttled = answered('TooManyRequestsException', 'Rate Exceeded.', 429, { 'retry-after': '7' })
    expect(awsFailure(throttled, 'x', 'y')).toMatchObject({ retryable: true, retryAfter: 7000 })
  })

  it('knows a certificate that nobody vouches for', () => {
    const untrusted = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    const failure = awsFailure(untrusted, 'x', 'y')
    expect(failure).toMatchObject({
      retryable: false,
      message: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string,
    })
  })

  it('keeps what is an error of ours already, and puts any other on one short line', () => {
    const own = new ActionError('no')
    expect(awsFailure(own, 'x', 'y')).toBe(own)
    const { message } = awsFailure(new Error(`a\n\u001b[31mb${'c'.repeat(5000)}`), 'x', 'y')
    expect(message).toMatch(/^x: Error: a \[31mbc+…$/)
    expect(message.length).toBeLessThan(600)
  })
})
