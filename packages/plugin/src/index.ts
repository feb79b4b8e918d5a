export { unlessAborted } from './abort.ts'
export { beginningOf, excerptOf, retryAfterOf } from './answer.ts'
export { connectionFault, type ConnectionFault } from './connection.ts'
export {
  defineActionner,
  defineClient,
  defineContext,
  defineNotifier,
  defineOutput,
  definePlugin,
  type ActionJob,
  type Actionner,
  type Client,
  type Context,
  type ContextSource,
  type Job,
  type Logger,
  type Needs,
  type Notes,
  type Notifier,
  type Opened,
  type Output,
  type OutputJob,
  type Permissions,
  type Plugin,
  type PolicyRule,
  type Provided,
  type Read,
  type Uses,
} from './define.ts'
export { ActionError, ConfigError, EventError, messageOf, TalonError, type ErrorKind, type Issue } from './errors.ts'
export { isCut, PRIORITIES, type Event, type Priority } from './event.ts'
export {
  auditName,
  auditNamespace,
  auditResource,
  containerId,
  containerName,
  namespace,
  optional,
  POD_UID,
  podName,
  podUid,
  remoteIp,
  remotePort,
  remoteProtocol,
  type Field,
} from './fields.ts'
export { done, ignored, type Artifact, type Result, type StoredArtifact } from './outcome.ts'
export { payloadOf } from './payload.ts'
export { objectKey, prefix } from './prefix.ts'
export type { Report, ReportedEvent, Status } from './report.ts'
