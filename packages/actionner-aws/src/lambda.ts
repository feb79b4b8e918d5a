import { aws } from '@talon/client-aws'
import { defineActionner, payloadOf } from '@talon/plugin'
import { z } from 'zod'
import { invoke } from './invoke.ts'

/** A name, or an ARN whole or in part. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const NAME =
  /^(arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:|(\d{12}:)?function:|\d{12}:)?[A-Za-z0-9_.-]{1,140}(:(\$LATEST|[A-Za-z0-9_-]{1,128}))?$/
const QUALIFIER = /^(\$LATEST(\.PUBLISHED)?|[A-Za-z0-9_-]{1,128})$/

/** Invokes a function of AWS Lambda with the event. */
export const lambda = defineActionner({
  name: 'aws:lambda',
  summary: 'Invoke an AWS Lambda function with the event',
  notes: `The function gets the event as Falco wrote it, with \`context\` in it. Its answer is the result (64 KiB at most).
An error of the function is a failure, with its message and the end of its log (4 KB). A function that takes longer than the
\`timeout\` of the action (30 s) is not waited for any more; it runs on.

\`Event\` puts the event into the function's queue and waits for nothing: what the function made of it is in its own log.
\`DryRun\` lets AWS check the function, the qualifier and the rights, and runs nothing; so does a rule with \`dry_run\`.

It is invoked once: a function that may have run is not run again.

The credentials and the region are those of \`aws\` in the config file; a whole ARN names the region, too. The variables of
the SDK and of Node lead elsewhere: \`AWS_ENDPOINT_URL_LAMBDA\`, \`HTTPS_PROXY\`, \`NODE_EXTRA_CA_CERTS\`.

Name and qualifier are as the rule has them: they take no tokens.`,
  effect: 'change',
  repeatable: false,
  previews: true,
  parameters: z.object({
    aws_lambda_name: z
      .string()
      .regex(NAME, "is no function's name or ARN")
      .describe('Name of the function, or its ARN'),
    aws_lambda_alias_or_version: z
      .string()
      .regex(QUALIFIER, 'is no alias and no version')
      .default('$LATEST')
      .describe('Alias or version of the function'),
    aws_lambda_invocation_type: z
      .enum(['RequestResponse', 'Event', 'DryRun'])
      .default('RequestResponse')
      .describe('Whether to wait for the answer, to leave the event with the function, or to check only'),
  }),
  examples: [
    { title: 'Let a function answer the event', parameters: { aws_lambda_name: 'isolate-instance' } },
    {
      title: 'Leave the event with the production alias, without waiting',
      parameters: {
        aws_lambda_name: 'arn:aws:lambda:eu-west-1:111122223333:function:isolate-instance',
        aws_lambda_alias_or_version: 'production',
        aws_lambda_invocation_type: 'Event',
      },
    },
  ],
  permissions: { aws: ['lambda:InvokeFunction'] },
  uses: { aws },
  run({ event, context, parameters, dryRun, signal }, { aws }) {
    const { aws_lambda_name: name, aws_lambda_alias_or_version: qualifier } = parameters
    const type = dryRun ? 'DryRun' : parameters.aws_lambda_invocation_type
    return invoke({ name, qualifier, type, payload: payloadOf(event, context), signal }, aws)
  },
})
