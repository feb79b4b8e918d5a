export { ROLES, type AuthClient, type Role } from './auth-settings.ts'
export { createTalon, type Accepted, type Readiness, type Talon, type TalonOptions } from './talon.ts'
export { inspect, type Inspection, type InspectOptions } from './inspect.ts'
export { decode, canonicalSource, MAX_BODY, priorityOf, receiptOf, type Receipt } from './event.ts'
export { windowOf } from './dedup.ts'
export { readFields } from './fields.ts'
export { Host, type HostOptions, type Kind } from './host.ts'
export {
  canAdopt,
  isOver,
  stepsKept,
  type AdoptingJournal,
  type Entry,
  type EntryState,
  type Journal,
  type JournalStats,
  type KeptEntry,
  type Known,
  type Letter,
  type StepKey,
  type StepRecord,
  type Tenure,
  type Verdict,
  type Window,
  type Work,
} from './journal.ts'
export { manifestSchema, type Manifest } from './manifest.ts'
export { memoryJournal, type MemoryJournalOptions } from './memory.ts'
export { plan, type Plan } from './plan.ts'
export type { PlannedRule, Step } from './planned.ts'
export { resolveParameters, type Resolved } from './resolve.ts'
export type { CompiledRule, Ruleset } from './ruleset.ts'
export { roomFor } from './room.ts'
export { createSpool, type Collected, type Spool, type Spooled, type SpoolOptions } from './spool.ts'
export {
  failureOf,
  stageRunner,
  type Failure,
  type Observer,
  type Outcome,
  type RunStage,
  type Stage,
  type StageEvent,
  type StageName,
} from './stage.ts'
export { programOf, tokensOf, type Program, type Tokens } from './tokens.ts'
export { compile, type Compiled, type Definitions, type RuleSource } from './compile.ts'
export { readConfig, redact, type Config, type ConfigOptions } from './config.ts'
export { loadPlugins } from './load.ts'
export { printRules } from './print.ts'
export { CONFIG_FILE, readSetup, readTexts, type Setup, type SetupOptions } from './setup.ts'
export { fieldsOf, jsonSchema, parametersOf, type Parameter } from './describe.ts'
export { permissionsOf, policyRules, usesOf, type Use } from './permissions.ts'
export { exampleYaml, markdown, table } from './markdown.ts'
export { configSchema, rulesSchema } from './schema.ts'
export { settingsReference } from './settings-reference.ts'
