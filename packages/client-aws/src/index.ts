export { aws, type Aws, type AwsConfiguration } from './aws.ts'
export { awsFailure } from './failure.ts'
