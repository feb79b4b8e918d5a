import { ActionError, defineClient, unlessAborted } from '@talon/plugin'
import { z } from 'zod'
import { endpointOf, openSession } from './session.ts'

/** What an EC2 instance knows of itself. */
export interface Instance {
  /** ARN of its instance profile; empty where it has none. */
  readonly arn: string
  /** Id of its instance profile. */
  readonly id: string
  readonly region: string
}

/** The instance metadata service of EC2, version 2. */
export interface Imds {
  /** Read at most every ten minutes: only the profile ever changes. @throws ActionError within a second or so */
  instance(signal: AbortSignal): Promise<Instance>
}

/** Milliseconds that facts are good for. */
const FRESH = 10 * 60_000
/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html */
const PROFILE = 'iam/info'
const REGION = 'placement/region'
const profile = z.object({ InstanceProfileArn: z.string(), InstanceProfileId: z.string() })

/** Where it is, the variables of the SDKs say: `AWS_EC2_METADATA_SERVICE_ENDPOINT` and its like. */
export const imds = defineClient({
  name: 'imds',
  summary: 'The metadata service of the EC2 instance that Talon runs on, with session tokens (IMDSv2)',
  settings: z.object({}),
  open(): Imds {
    const endpoint = endpointOf(process.env)
    let kept: { readonly instance: Promise<Instance>; readonly until: number } | undefined
    const ask = () => {
      const instance = read(endpoint)
      kept = { instance, until: Date.now() + FRESH }
      instance.catch(() => (kept = undefined))
      return instance
    }
    return {
      // Several steps may wait for one reading.
      instance: (signal) => unlessAborted(kept && Date.now() < kept.until ? kept.instance : ask(), signal),
    }
  },
})

async function read(endpoint: string): Promise<Instance> {
  const get = await openSession(endpoint)
  const [info, region = ''] = await Promise.all([get(PROFILE), get(REGION)])
  return { ...(info === undefined ? { arn: '', id: '' } : profileOf(info)), region }
}

function profileOf(info: string): Omit<Instance, 'region'> {
  try {
    const { InstanceProfileArn: arn, InstanceProfileId: id } = profile.parse(JSON.parse(info))
    return { arn, id }
  } catch (cause) {
    throw new ActionError(`the instance metadata service tells no profile under ${PROFILE}`, { cause })
  }
}
