import { z } from 'zod'
import { clientWith, strictConfig, unknownConfig, type Schema } from './strict-config.ts'

/** What Kubernetes defines is checked by Kubernetes. */
const object = z.record(z.string(), z.unknown())
const objects = z.array(object)
const labels = z.record(z.string(), z.string())
const name = z.string().regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$/)
const key = z.string().regex(/^[-._a-zA-Z0-9]+$/)
const seconds = z.int().nonnegative()
const monitored = z.strictObject({ enabled: z.boolean(), labels })

const values = z.strictObject({
  rules: z.strictObject({
    starter: z.boolean(),
    configMaps: z.array(z.strictObject({ name: name.min(1), keys: z.array(key).min(1) })),
    inline: z.string(),
  }),
  rbac: z.strictObject({ create: z.boolean(), role: z.string() }),
  serviceAccount: z.strictObject({ create: z.boolean(), name, annotations: labels }),
  existingSecret: name,
  tls: z.strictObject({ secretName: name, clientCa: z.boolean() }),
  pluginsVolume: object,
  replicas: z.int().min(1),
  image: z.strictObject({
    repository: z.string().min(1),
    // https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
    tag: z.string().regex(/^(\w[\w.-]{0,127})?$/),
    digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
  }),
  imagePullSecrets: z.array(z.strictObject({ name: name.min(1) })),
  persistence: z.strictObject({
    enabled: z.boolean(),
    size: z.string().regex(/^[0-9.]+[KMGTPE]i?$/),
    storageClass: name,
    accessModes: z.array(z.enum(['ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany'])).min(1),
    annotations: labels,
    retention: z.strictObject({
      whenDeleted: z.enum(['Retain', 'Delete']),
      whenScaled: z.enum(['Retain', 'Delete']),
    }),
  }),
  resources: object,
  podSecurityContext: object,
  securityContext: object,
  startupProbe: object,
  livenessProbe: object,
  readinessProbe: object,
  drainSeconds: seconds,
  podDisruptionBudget: z.strictObject({
    enabled: z.boolean(),
    maxUnavailable: z.union([z.int().min(1), z.string().regex(/^[1-9][0-9]?%$/)]),
  }),
  topologySpreadConstraints: objects,
  affinity: object,
  nodeSelector: labels,
  tolerations: objects,
  priorityClassName: name,
  podAnnotations: labels,
  podLabels: labels,
  extraEnv: objects,
  envFrom: objects,
  extraVolumes: objects,
  extraVolumeMounts: objects,
  service: z.strictObject({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']),
    port: z.int().min(1).max(65535),
    annotations: labels,
  }),
  networkPolicy: z.strictObject({ enabled: z.boolean(), senders: objects, scrapers: objects, egress: objects }),
  serviceMonitor: monitored.extend({ interval: z.string().regex(/^([0-9]+(ms|s|m|h))+$/) }),
  prometheusRule: monitored,
  dashboard: monitored,
  nameOverride: name,
  fullnameOverride: name,
})

/** A name that needs no escape before the `:` of a password. */
const NAME_IN_URL: Schema = { type: 'string', pattern: '^[A-Za-z0-9._~-]+$' }

/** Where a secret lies. */
const secretKey = z.strictObject({ name: name.min(1), key })

/** JSON Schema of the chart's values: nothing is required, since values.yaml says it all, and nothing else is taken. */
export function valuesSchema(configSchema: object): Schema {
  const { required: _, ...schema } = z.toJSONSchema(values.partial(), { target: 'draft-7', io: 'input' }) as Schema
  const { $schema: __, ...oneKey } = z.toJSONSchema(secretKey, { target: 'draft-7' }) as Schema
  const { config, secrets } = strictConfig(configSchema as Schema)
  const inner = Object.entries(schema.properties ?? {}).map(([one, its]) => [one, withoutRequired(its)] as const)
  const properties = {
    config,
    extraConfig: unknownConfig(configSchema as Schema),
    secrets: {
      type: 'object',
      description: 'Secrets of the config file, by setting',
      properties: Object.fromEntries(secrets.map((path) => [path, oneKey])),
      additionalProperties: false,
    },
    auth: {
      type: 'object',
      properties: {
        enabled: { type: 'boolean' },
        sender: NAME_IN_URL,
        scraper: NAME_IN_URL,
        operator: NAME_IN_URL,
        clients: { type: 'array', items: clientWith(configSchema as Schema, oneKey) },
      },
      additionalProperties: false,
    },
    ...Object.fromEntries(inner),
    // Helm hands it to every chart that another one depends on.
    global: { type: 'object' },
  }
  return { ...schema, title: 'Values of the chart', properties }
}

/** A part that is given leaves the rest of its section to values.yaml. */
function withoutRequired(whole: Schema): Schema {
  const { required: _, ...schema } = whole
  if (!schema.properties) return schema
  const properties = Object.entries(schema.properties).map(([one, its]) => [one, withoutRequired(its)] as const)
  return { ...schema, properties: Object.fromEntries(properties) }
}
