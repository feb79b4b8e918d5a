import { z } from 'zod'

/** The section `aws` of the config file. */
export const settings = z
  .object({
    role_arn: z.string().optional().describe('Role to assume'),
    external_id: z.string().optional().describe('External id for the role'),
    region: z.string().optional().describe('Region'),
    access_key: z.string().optional().meta({ secret: true }).describe('Access key; the chain of the SDK where missing'),
    secret_key: z.string().optional().meta({ secret: true }).describe('Secret key; the chain of the SDK where missing'),
  })
  .refine(({ access_key, secret_key }) => !access_key === !secret_key, {
    message: 'access_key and secret_key belong together: give both, or none',
  })
  .refine(({ external_id, role_arn }) => role_arn || !external_id, {
    message: 'external_id is for a role: set role_arn too',
  })
/** The same, checked. */
export type AwsSettings = z.output<typeof settings>
