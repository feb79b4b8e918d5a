import type { Gcp } from '@talon/client-gcp'
import { ActionError } from '@talon/plugin'
import { z } from 'zod'

/** The part of a function that matters. https://cloud.google.com/functions/docs/reference/rest/v2/projects.locations.functions */
const answer = z.object({
  url: z.string().optional(),
  state: z.string().optional(),
  serviceConfig: z.object({ uri: z.string().optional() }).optional(),
})

/** Where a function is called. @throws ActionError that says what to do where that cannot be told. */
export async function find(
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
