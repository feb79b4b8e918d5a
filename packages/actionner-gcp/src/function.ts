import { gcp, type Gcp } from '@talon/client-gcp'
import { ActionError, defineActionner, done, payloadOf } from '@talon/plugin'
import { z } from 'zod'

/** Seconds for finding the function and for its token, besides the call itself. */
const FINDING = 20
/** Bytes of the answer that are the result. */
const ANSWER = 64 * 1024

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
      limit: ANSWER,
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

/** The part of a function that matters. https://cloud.google.com/functions/docs/reference/rest/v2/projects.locations.functions */
const answer = z.object({
  url: z.string().optional(),
  state: z.string().optional(),
  serviceConfig: z.object({ uri: z.string().optional() }).optional(),
})

async function find(
  { name, location }: { readonly name: string; readonly location: string },
  gcp: Gcp,
  signal: AbortSignal,
): Promise<{ readonly url: string; readonly project: string }> {
  const project = await gcp.project(signal)
  const place = `projects/${encodeURIComponent(project)}/locations/${location}/functions/${name}`
  const purpose = `the function ${name} in ${location} of the project ${project} cannot be found`
  const { body } = await gcp.send({
    purpose,
    url: `${gcp.endpoints.functions}/v2/${place}`,
    method: 'GET',
    signal,
    advice: {
      403: 'grant cloudfunctions.functions.get to the account of the credentials, and enable the Cloud Functions API',
      404: 'check gcp_function_name and gcp_function_location, and the project (gcp.project)',
    },
  })
  const found = answer.safeParse(parsed(body))
  const { url, state, serviceConfig } = found.data ?? {}
  // One of the second generation is a service of Cloud Run, whose own address its identity tokens are for.
  const address = serviceConfig?.uri ?? url
  if (!address || !URL.canParse(address))
    throw new ActionError(
      `${purpose}: it has no address${state ? ` (its state is ${state})` : ''}; only functions with an HTTP trigger have one`,
    )
  // The token must not cross a network in the clear; an API that is spoken to so is a test's.
  if (new URL(address).protocol !== 'https:' && gcp.endpoints.functions.startsWith('https:'))
    throw new ActionError(`${purpose}: its address is not https://`)
  return { url: address, project }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
