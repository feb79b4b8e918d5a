import type { InvokeCommandOutput } from '@aws-sdk/client-lambda'
import { awsFailure, type Aws } from '@talon/client-aws'
import { ActionError, done, excerptOf, type Result } from '@talon/plugin'

/** What is asked of Lambda. */
export interface Invocation {
  readonly name: string
  /** Alias or version. */
  readonly qualifier: string
  readonly type: 'RequestResponse' | 'Event' | 'DryRun'
  /** JSON. */
  readonly payload: string
  readonly signal: AbortSignal
}

/** Milliseconds that a function may run, without a byte to say so: 15 minutes, and some to answer. */
const LONGEST = 16 * 60_000
/** Bytes of an answer that are the result. */
const ANSWER = 64 * 1024
/** Characters of a function's error message that are repeated. */
const EXCERPT = 500

/** Invokes the function once. @throws ActionError where Lambda refuses, or where the function fails */
export async function invoke(invocation: Invocation, aws: Aws): Promise<Result> {
  const { name, qualifier, type } = invocation
  const answer = await send(invocation, aws)
  const objects = { name, version: answer.ExecutedVersion ?? qualifier }
  const which = `the function '${name}' (${objects.version})`
  if (type === 'DryRun') return done(`dry run: ${which} would be invoked, and may be`, objects)
  if (type === 'Event') return done(`the event was left with ${which}`, objects)
  if (answer.FunctionError) throw failed(which, answer)
  return done(`${which} was invoked`, objects, { output: textOf(answer) })
}

async function send({ name, qualifier, type, payload, signal }: Invocation, aws: Aws): Promise<InvokeCommandOutput> {
  try {
    const sdk = await import('@aws-sdk/client-lambda')
    const client = await aws.service('lambda', async () => sdk.LambdaClient, regionOf(name), {
      requestHandler: { socketTimeout: LONGEST },
    })
    const command = new sdk.InvokeCommand({
      FunctionName: name,
      InvocationType: type,
      Payload: Buffer.from(payload),
      ...(type === 'RequestResponse' && { LogType: 'Tail' }),
      // No qualifier means $LATEST, and leaves room for one in the name.
      ...(qualifier !== '$LATEST' && { Qualifier: qualifier }),
    })
    return await client.send(command, { abortSignal: signal })
  } catch (error) {
    signal.throwIfAborted()
    throw awsFailure(error, `invoking the Lambda function '${name}' failed`, 'lambda:InvokeFunction')
  }
}

/** `arn:aws:lambda:eu-west-1:...` is to be asked for in its own region. */
function regionOf(name: string): string | undefined {
  return name.startsWith('arn:') ? name.split(':')[3] : undefined
}

/** The first part of the answer, without a half character at its end. */
function textOf({ Payload }: InvokeCommandOutput): string {
  return new TextDecoder().decode(Payload?.subarray(0, ANSWER), { stream: true })
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-sync.html says what a function's error looks like. */
function failed(which: string, answer: InvokeCommandOutput): ActionError {
  const text = textOf(answer)
  const log = answer.LogResult ? Buffer.from(answer.LogResult, 'base64').toString() : ''
  return new ActionError(`${which} failed: ${reasonOf(text)}; its log says more`, { output: log || text })
}

function reasonOf(text: string): string {
  try {
    const { errorType, errorMessage } = JSON.parse(text) as { errorType?: unknown; errorMessage?: unknown }
    const parts = [errorType, errorMessage].filter((part) => typeof part === 'string' && part !== '')
    if (parts.length) return excerptOf(parts.join(': '), EXCERPT)
  } catch {
    // A runtime of the user's own may answer anything.
  }
  return excerptOf(text, EXCERPT)
}
