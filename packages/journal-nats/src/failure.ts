import { ActionError, ConfigError, TalonError } from '@talon/plugin'

/** What JetStream calls its refusals. https://github.com/nats-io/nats-server/blob/main/server/errors.json */
const CODES = {
  wrongLast: new Set([10071, 10164]),
  notFound: new Set([10059, 10014, 10037, 10043]),
  disabled: new Set([10039, 10076]),
  /** Limits of the account, of the server's storage, of memory. */
  room: new Set([10002, 10023, 10028, 10047, 10077]),
  replicas: new Set([10005, 10074]),
  config: new Set([10052, 10058, 10065, 10148, 10034]),
}

/** The number that JetStream gave to what it refused. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined
}

const is = (kind: keyof typeof CODES, error: unknown) => CODES[kind].has(codeOf(error) ?? 0)

/** Somebody wrote to the subject meanwhile. */
export const isConflict = (error: unknown): boolean => is('wrongLast', error)
export const isNotFound = (error: unknown): boolean => is('notFound', error)
/** The stream holds as many messages or bytes as it may: what is finished makes room. */
export const isFull = (error: unknown): boolean => /maximum (messages|bytes) exceeded/.test(messageOf(error))
export const isPermission = (error: unknown): boolean => /permissions? violation/i.test(chain(error))

/** What may be different when it is tried again: the way to NATS, or its leader. */
export function isPassing(error: unknown): boolean {
  if (TalonError.is(error)) return error.kind === 'action' && error.retryable
  if (isPermission(error)) return false
  return codeOf(error) === undefined || codeOf(error) === 503 || codeOf(error) === 10008
}

/** What an operation of the journal is rejected with, with the way out. */
export function refusal(error: unknown, what: string): ActionError {
  if (TalonError.is(error) && error.kind === 'action') return error
  return new ActionError(`the journal could not ${what}: ${wayOut(error)}`, {
    retryable: isPassing(error),
    cause: error,
  })
}

/** Why a start ends at NATS, and the way out. */
export function obstacle(error: unknown, what: string): ConfigError {
  if (TalonError.is(error) && error.kind === 'config') return error
  return new ConfigError(`journal.nats: ${what}: ${wayOut(error)}`)
}

function wayOut(error: unknown): string {
  const said = chain(error)
  const way = WAYS.find(([matches]) => matches(error, said))
  return way ? `${said}; ${way[1]}` : said
}

const WAYS: readonly (readonly [(error: unknown, said: string) => boolean, string])[] = [
  [
    (error, said) => is('disabled', error) || /jetstream (is )?not enabled|no responders/i.test(said),
    'start nats-server with JetStream (`-js`, or a `jetstream` block with a `store_dir`), and enable it for the account; a cluster of NATS says this, too, while it elects a leader',
  ],
  [
    (_, said) => /permissions? violation/i.test(said),
    "give the account's user the permissions that the README of @talon/journal-nats lists",
  ],
  [
    (_, said) => /authorization violation|authentication/i.test(said),
    'check journal.nats.user and password, token, credentials or tls.cert and tls.key',
  ],
  [
    (_, said) => /certificate|self-signed|tls|ssl|handshake/i.test(said),
    'check journal.nats.tls: `ca` is the file of who signed the server, and the name in journal.nats.servers is one that its certificate has',
  ],
  [
    (error) => is('room', error) || isFull(error),
    'give NATS more storage (`max_file_store`, the limits of the account, the disk of `store_dir`), or lower journal.max_bytes',
  ],
  [
    (error) => is('replicas', error),
    'lower journal.nats.replicas, or give NATS as many servers with JetStream as it says',
  ],
  [
    (error) => is('config', error),
    'another journal.nats.prefix makes streams of its own; else change or remove that stream with the `nats` command',
  ],
  [
    (_, said) => /ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH|timeout|connection|EAI_AGAIN/i.test(said),
    'look whether NATS runs, whether journal.nats.servers names it, and whether it wants a certificate (journal.nats.tls.cert)',
  ],
]

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}

/** What was said, and what was said of the reason. */
function chain(error: unknown): string {
  const said = [messageOf(error)]
  for (let at = error; at instanceof Error && at.cause !== undefined && said.length < 4; at = at.cause) {
    const next = messageOf(at.cause)
    if (!said.some((one) => one.includes(next))) said.push(next)
  }
  return said.join(': ')
}
