import { z } from 'zod'
import { authSettings, tlsSettings } from './auth-settings.ts'

const text = z.string()
const flag = z.boolean()
const count = z.number().int().nonnegative()
const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 }
const duration = z
  .string()
  .regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, 'must be seconds, or a duration such as 90s, 10m or 1h30m')
  .transform((written) =>
    written
      .matchAll(/([\d.]+)([a-z]+)/g)
      .reduce((sum, [, number, unit = 's']) => sum + Number(number) * (SECONDS[unit] ?? 1), 0),
  )
/** A number of seconds, or a text as Go writes durations: `10m`, `1h30m`. */
const seconds = (least: z.ZodNumber) => z.union([least, duration.pipe(least)])
const secret = (description: string) => text.optional().meta({ secret: true }).describe(description)

/** The settings of the config file; each client's own section and each notifier's settings are checked by their plugins. */
export const settingsSchema = z.object({
  listen_address: text.default('0.0.0.0').describe('Address that the server listens on'),
  listen_port: z.number().int().min(0).max(65535).default(2803).describe('Port that the server listens on'),
  rules_files: z.array(text).default(['/etc/falco-talon/rules.yaml']).describe('Rules files, merged in this order'),
  max_connections: count.min(1).default(2000).describe('Connections to the server at once; more are closed'),
  auth: authSettings.prefault({}).describe('Who may speak to the server'),
  tls: tlsSettings.prefault({}).describe('HTTPS'),
  watch_rules: flag.default(true).describe('Whether a change of a rules file is taken without a restart'),
  print_all_events: flag.default(true).describe('Whether events that match no rule are logged too'),
  log_format: z
    .enum(['color', 'text', 'json'])
    .default('color')
    .describe('How lines are logged; color is for a terminal, or where FORCE_COLOR asks for it; NO_COLOR is honoured'),
  default_notifiers: z.array(text).default([]).describe('Notifiers told of the results of all rules'),
  deduplication: z
    .object({
      leader_election: flag.default(true).describe('Whether several pods elect a leader; in Kubernetes only'),
      time_window_seconds: seconds(z.number().nonnegative())
        .prefault(5)
        .describe('How long repeats of an event are suppressed'),
      key: z
        .array(text)
        .default([])
        .describe('Fields, `rule` among them, that make two events one; the default key where empty'),
      sliding: flag.default(false).describe('Whether each repeat extends the window'),
      secret: secret('Secret that the servers share to hand events to their leader; without it each acts for itself'),
      address: text
        .optional()
        .describe(
          "Where the other servers reach this one: `http://10.0.0.7:2803`; the pod's own address where missing",
        ),
      lease: z
        .object({
          name: text.default('talon').describe('Name of the Lease'),
          duration: seconds(z.number().positive())
            .prefault(6)
            .describe('Seconds after which a lost leader is replaced'),
          renew: seconds(z.number().positive()).prefault(4).describe('Seconds that a leader tries to renew'),
          retry: seconds(z.number().positive()).prefault(1).describe('Seconds between tries'),
        })
        .prefault({})
        .describe('How the leader is elected'),
    })
    .prefault({})
    .describe('Which events are one'),
  journal: z
    .object({
      type: z.enum(['sqlite', 'memory', 'nats']).default('sqlite').describe('What keeps events until their last step'),
      path: text.optional().describe('Where it lies: /var/lib/talon in Kubernetes, else $XDG_STATE_HOME/talon'),
      max_events: count.min(10).default(100_000).describe('Unfinished events that it holds; more are refused with 503'),
      max_bytes: count
        .min(2 ** 20)
        .default(2 ** 30)
        .describe('Bytes of the journal on disk; finished events make way first'),
      keep: seconds(z.number().nonnegative())
        .prefault(7 * 24 * 3600)
        .describe('Seconds that finished events stay, for talon journal'),
      on_failure: z.enum(['refuse', 'memory']).default('refuse').describe('What a failing disk leads to'),
      nats: z
        .object({
          servers: z.array(text).default(['nats://127.0.0.1:4222']).describe('URLs of NATS servers; TLS with tls://'),
          prefix: text
            .regex(/^[\w-]+$/, 'must be letters, digits, - and _')
            .default('talon')
            .describe('Beginning of the names of streams and subjects; servers that share it share the work'),
          replicas: z.number().int().min(1).max(5).default(1).describe('NATS servers that keep each message'),
          lease: seconds(z.number().min(2))
            .prefault(8)
            .describe('Seconds after which the work of a server that says nothing is taken by another'),
          name: text.optional().describe("This server's name; the pod's, or the host and the port, where missing"),
          user: text.optional().describe('User'),
          password: secret('Password'),
          token: secret('Token'),
          credentials: text.optional().describe('Path of a credentials file (.creds)'),
          tls: z
            .object({
              ca: text.optional().describe('Path of the certificates that the servers are checked by (PEM)'),
              cert: text.optional().describe('Path of the certificate of Talon (PEM)'),
              key: text.optional().describe('Path of its key (PEM)'),
            })
            .prefault({})
            .describe('TLS'),
        })
        .prefault({})
        .describe('NATS JetStream, for the type nats'),
    })
    .prefault({})
    .describe('How accepted events are kept'),
  spool: z
    .object({
      path: text.optional().describe('Where artifacts lie on their way; beside the journal where missing'),
      max_bytes: count.default(4 * 2 ** 30).describe('Bytes of all artifacts together'),
    })
    .prefault({})
    .describe('Artifacts between collecting and storing'),
  concurrency: count.min(1).default(64).describe('Steps that run at once'),
  retries: count.default(3).describe('How often what failed and may be repeated is tried again'),
  shutdown_timeout: seconds(z.number().nonnegative())
    .prefault(20)
    .describe('Seconds to finish what is under way when the server ends'),
  max_event_age: seconds(z.number().positive())
    .prefault(600)
    .describe('Seconds after which an event changes nothing any more'),
  plugins: z.array(text).default([]).describe('npm packages to load besides the plugins that ship'),
  plugins_path: text.default('/plugins').describe("Where they are looked for besides the config file's folder"),
  otel: z
    .object({
      traces_enabled: flag.default(false).describe('Whether traces are exported'),
      metrics_enabled: flag.default(false).describe('Whether metrics are exported by OTLP'),
      collector_endpoint: text.default('localhost').describe('Host of the OTLP collector'),
      collector_port: z.number().int().min(1).max(65535).default(4317).describe('Port of the OTLP collector'),
      collector_use_insecure_grpc: flag.default(false).describe('Whether the collector is spoken to without TLS'),
      timeout: seconds(z.number().positive()).prefault(10).describe('Seconds for one export'),
    })
    .prefault({})
    .describe('OpenTelemetry'),
  kubeconfig: text
    .optional()
    .describe("Path of a kubeconfig; the pod's own account, else the usual kubeconfig where missing"),
  aws: z
    .object({
      role_arn: text.optional().describe('Role to assume'),
      external_id: text.optional().describe('External id for the role'),
      region: text.optional().describe('Region'),
      access_key: secret('Access key; the chain of the SDK where missing'),
      secret_key: secret('Secret key; the chain of the SDK where missing'),
    })
    .prefault({})
    .describe('AWS'),
  gcp: z
    .object({
      credentials_path: text.optional().describe('Path of a credentials file; the chain of the SDK where missing'),
      region: text.optional().describe('Region'),
      project: text.optional().describe("Project of the functions; the credentials' own where missing"),
      storage_endpoint: text.optional().describe('URL of Cloud Storage, for private endpoints'),
      functions_endpoint: text.optional().describe('URL of the Cloud Functions API, for private endpoints'),
    })
    .prefault({})
    .describe('Google Cloud'),
  minio: z
    .object({
      endpoint: text.optional().describe('Host and port'),
      access_key: secret('Access key'),
      secret_key: secret('Secret key'),
      use_ssl: flag.default(false).describe('Whether TLS is used'),
    })
    .prefault({})
    .describe('MinIO'),
  notifiers: z.record(text, z.record(text, z.unknown())).default({}).describe("Each notifier's settings"),
})

/** Every setting, with its default where nothing is said. */
export type Settings = z.output<typeof settingsSchema>
