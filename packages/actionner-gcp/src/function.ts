import { gcp } from '@talon/client-gcp'
import { ActionError, defineActionner, done, payloadOf } from '@talon/plugin'
import { z } from 'zod'
import { find } from './find.ts'

/** Seconds for finding the function and for its token, besides the call itself. */
const FINDING = 20

const segment = (what: string) =>
  z.string().regex(/^[a-z]([a-z0-9_-]{0,61}[a-z0-9])?$/i, `is no ${what}: letters, digits, '-' and '_' are allowed`)

/** Calls a function of Google Cloud with the event. */
export const gcpFunction = defineActionner({
  name: 'gcp:function',
  summary: 'Call a function of Google Cloud with the event',
  notes: `The function's address is asked of the Cloud Functions API, in the project of the credentials (or \`gcp.project\`). It
is called by POST with the event as Falco wrote it, and \`context\` in it, with an identity token for that address. What it
answers is the result (64 KiB at most); anything but 2xx is a failure. It is called once: what a call that failed has done
is not known, so it is not repeated.

The credentials need \`cloudfunctions.functions.get\` (role \`roles/cloudfunctions.viewer\`), and \`run.routes.invoke\` for a
function of the second generation (\`roles/run.invoker\`) or \`cloudfunctions.functions.invoke\` for one of the first.

A dry run asks for the address and calls nothing.`,
  effect: 'change',
  repeatable: false,
  previews: true,
  timeout: ({ gcp_function_timeout }) => gcp_function_timeout + FINDING,
  parameters: z.object({
    gcp_function_name: segment('name of a function').describe('Name of the function'),
    gcp_function_location: segment('location').describe('Location of the function, such as `us-central1`'),
    gcp_function_timeout: z.number().positive().max(3600).default(10).describe('Seconds that the call may take'),
  }),
  examples: [
    {
      title: 'Call a function with the event',
      parameters: { gcp_function_name: 'isolate-instance', gcp_function_location: 'us-central1' },
    },
  ],
  permissions: { gcp: ['cloudfunctions.functions.get', 'run.routes.invoke', 'cloudfunctions.functions.invoke'] },
  uses: { gcp },
  async run({ event, context, parameters, dryRun, signal }, { gcp }) {
    const { gcp_function_name: name, gcp_function_location: location, gcp_function_timeout: timeout } = parameters
    const { url, project } = await find({ name, location }, gcp, signal)
    const objects = { function: name, location, project }
    if (dryRun) return done(`the function ${name} would be called`, objects)

    const token = await gcp.idToken(url, signal)
    const deadline = AbortSignal.timeout(timeout * 1000)
    const call = {
      purpose: `the function ${name} failed`,
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: payloadOf(event, context),
      token,
      signal: AbortSignal.any([signal, deadline]),
      silence: 0,
      advice: {
        401: 'it takes identity tokens of other accounts alone: grant run.routes.invoke to the account of the credentials',
        403: 'grant run.routes.invoke (first generation: cloudfunctions.functions.invoke) to the account of the credentials, and check its ingress settings',
        404: 'it is not served there: deploy it again',
      },
    } as const
    const { status, body } = await gcp.send(call).catch((error: unknown) => {
      signal.throwIfAborted()
      if (!deadline.aborted) throw error
      throw new ActionError(
        `the function ${name} did not answer within ${timeout} s: what it did is not known; raise gcp_function_timeout`,
        { cause: error },
      )
    })
    return done(
      `the function ${name} was called and answered ${status}`,
      { ...objects, status: String(status) },
      { output: body },
    )
  },
})
