import type { IncomingHttpHeaders } from 'node:http'
import { lambdaError, type Answer } from './aws-refusals.ts'

/** A function of the mock. */
export interface MockFunction {
  /** Published versions and aliases, besides $LATEST; aliases name the version they mean. */
  readonly qualifiers?: Readonly<Record<string, string>>
  /** What it answers: text as it is. A thrown error is an error of the function. */
  run(payload: string): string | Promise<string>
  /** What it wrote into its log. */
  readonly log?: string
  /** Access keys that may invoke it; all where missing. */
  readonly allowed?: readonly string[]
  /** How many invocations are refused before it takes one. */
  throttled?: number
}
export type Functions = Map<string, MockFunction>

/** An invocation that the mock took. */
export interface Invoked {
  readonly name: string
  readonly version: string
  readonly type: string
  /** As it came. */
  readonly payload: string
}

interface Question {
  readonly headers: IncomingHttpHeaders
  readonly path: string
  readonly body: Buffer
  readonly key: string
}
interface State {
  readonly functions: Functions
  readonly invoked: Invoked[]
  readonly region: string
}

const ACCOUNT = '111122223333'
/** Bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const LIMITS: Readonly<Record<string, number>> = { RequestResponse: 6 * 2 ** 20, Event: 2 ** 20 }
/** Characters of a log that an answer carries. */
const TAIL = 4096

/** POST /2015-03-31/functions/<name>/invocations, as https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html has it. */
export async function answerLambda(
  { headers, path, body, key }: Question,
  { functions, invoked, region }: State,
): Promise<Answer> {
  const { pathname, searchParams } = new URL(path, 'http://mock')
  const [, written] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(pathname) ?? []
  if (!written) return lambdaError(404, 'UnknownOperationException', {})
  const [name = '', inName] = decodeURIComponent(written)
    .replace(/^(arn:aws:lambda:[^:]+:)?(\d{12}:)?(function:)?/, '')
    .split(':')
  const arn = `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`
  const qualifier = searchParams.get('Qualifier') ?? inName ?? '$LATEST'
  const called = functions.get(name)
  if (called?.allowed && !called.allowed.includes(key))
    return lambdaError(403, 'AccessDeniedException', {
      Message: `User: arn:aws:iam::${ACCOUNT}:user/talon is not authorized to perform: lambda:InvokeFunction on resource: ${arn} because no identity-based policy allows the lambda:InvokeFunction action`,
    })
  const version = qualifier === '$LATEST' ? qualifier : called?.qualifiers?.[qualifier]
  if (!called || !version)
    return lambdaError(404, 'ResourceNotFoundException', {
      Type: 'User',
      Message: `Function not found: ${arn}${qualifier === '$LATEST' ? '' : `:${qualifier}`}`,
    })
  const type = String(headers['x-amz-invocation-type'] ?? 'RequestResponse')
  if (body.length > (LIMITS[type] ?? Infinity))
    return lambdaError(413, 'RequestTooLargeException', {
      Type: 'User',
      Message: `${body.length} byte payload is too large`,
    })
  const payload = body.toString()
  if (!isJson(payload))
    return lambdaError(400, 'InvalidRequestContentException', {
      Type: 'User',
      Message: 'Could not parse request body into json',
    })
  if (called.throttled) {
    called.throttled--
    return lambdaError(
      429,
      'TooManyRequestsException',
      { Type: 'User', Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded', message: 'Rate Exceeded.' },
      { 'retry-after': '1' },
    )
  }
  if (type === 'DryRun') return { status: 204 }
  invoked.push({ name, version, type, payload })
  if (type === 'Event') return { status: 202 }
  const tail = headers['x-amz-log-type'] === 'Tail' && {
    'x-amz-log-result': Buffer.from((called.log ?? '').slice(-TAIL)).toString('base64'),
  }
  const more = { 'x-amz-executed-version': version, ...tail }
  try {
    return { status: 200, headers: more, body: await called.run(payload) }
  } catch (error) {
    const { name: errorType, message: errorMessage } = error as Error
    return {
      status: 200,
      headers: { ...more, 'x-amz-function-error': 'Unhandled' },
      body: JSON.stringify({ errorType, errorMessage, trace: [] }),
    }
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
