export { aws, type Aws } from './aws.ts'
export type { AwsConfiguration } from './configuration.ts'
export { awsFailure } from './failure.ts'
