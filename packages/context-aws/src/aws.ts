import { defineContext } from '@talon/plugin'
import { imds } from './imds.ts'

/**
 * Facts about the EC2 instance that Talon runs on. Each name is always given, so that its token never stays in a text as
 * it is written: an instance without a profile has empty ones.
 */
export const aws = defineContext({
  name: 'aws',
  summary: 'Facts about the EC2 instance that Talon runs on, from its metadata service',
  gives: {
    'aws.instance_profile_arn': 'ARN of its instance profile; empty where it has none',
    'aws.instance_profile_id': 'Id of its instance profile; empty where it has none',
    'aws.region': 'Region',
  },
  uses: { imds },
  async run({ signal }, { imds }) {
    const { arn, id, region } = await imds.instance(signal)
    return { 'aws.instance_profile_arn': arn, 'aws.instance_profile_id': id, 'aws.region': region }
  },
})
