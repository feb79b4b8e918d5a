/** Rules of a user's own, and what `talon rbac --namespaced` prints for them. */
export const OWN_RULES = `- rule: Terminal shell in container
  match: { rules: [Terminal shell in container] }
  actions: [{ action: Name it, actionner: "kubernetes:label", parameters: { labels: { seen: "{{ once }}" } } }]
`
export const OWN_ROLE = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: talon }
rules:
  - { apiGroups: [''], resources: [pods], verbs: [get, patch] }
  - { apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create] }
`
const probe = { periodSeconds: 7 }
const ref = (key: string) => ({ name: 'own-secrets', key })

/** Ways to run Talon that differ in as much as they can. */
export const VALUE_SETS: Readonly<Record<string, object>> = {
  'nothing said': {},

  'all that watches it, and secrets from Secrets': {
    config: {
      default_notifiers: ['slack', 'k8sevents'],
      notifiers: { slack: { format: 'short' }, smtp: { host_port: 'mail:25', from: 'a@b.example', to: 'c@d.example' } },
      otel: { traces_enabled: true, collector_endpoint: 'otel' },
      spool: { max_bytes: 8589934592 },
      deduplication: { key: ['rule', 'k8s.pod.name'], lease: { name: 'mine' } },
    },
    extraConfig: { notifiers: { pager: { team: 'red' } } },
    secrets: { 'notifiers.slack.webhook_url': ref('slack'), 'notifiers.smtp.password': ref('smtp') },
    existingSecret: 'own-secrets',
    auth: {
      clients: [
        { name: 'operator', roles: ['read', 'act'], token: ref('operator') },
        { name: 'falcosidekick', certificate: 'falcosidekick.falco.svc', expires: '2030-01-01T00:00:00Z' },
      ],
    },
    tls: { secretName: 'talon-tls', clientCa: true },
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    prometheusRule: { enabled: true },
    dashboard: { enabled: true },
    networkPolicy: { egress: [{ ports: [{ port: 443 }] }] },
  },

  'one server without a disk': {
    replicas: 1,
    config: { journal: { type: 'memory' }, deduplication: { leader_election: false }, shutdown_timeout: 0.5 },
    persistence: { enabled: false },
    podDisruptionBudget: { enabled: false },
    auth: { enabled: false },
    drainSeconds: 0,
    fullnameOverride: 'guard',
  },

  'rules and a role of its own': {
    rules: {
      starter: false,
      inline: OWN_RULES,
      configMaps: [{ name: 'team-rules', keys: ['web.yaml', 'db.yaml'] }],
    },
    rbac: { role: OWN_ROLE },
    pluginsVolume: { persistentVolumeClaim: { claimName: 'plugins', readOnly: true } },
    config: { plugins: ['talon-plugin-pager'] },
    extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }],
    envFrom: [{ secretRef: { name: 'own-secrets', optional: true } }],
  },

  'a cloud, with every knob of the pods': {
    replicas: 3,
    config: { aws: { region: 'eu-west-1' }, listen_port: 8080 },
    secrets: { 'aws.access_key': ref('access'), 'aws.secret_key': ref('secret') },
    image: { repository: 'registry.example.com/talon', digest: `sha256:${'0'.repeat(64)}`, pullPolicy: 'Always' },
    imagePullSecrets: [{ name: 'registry' }],
    serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111111111111:role/talon' } },
    rbac: { create: false },
    service: { type: 'LoadBalancer', annotations: { 'example.com/internal': 'true' } },
    networkPolicy: { enabled: false },
    persistence: { storageClass: 'fast', annotations: { a: 'b' }, retention: { whenDeleted: 'Delete' } },
    ...{ startupProbe: probe, livenessProbe: probe, readinessProbe: probe },
    podDisruptionBudget: { maxUnavailable: '34%' },
    topologySpreadConstraints: [
      { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' },
    ],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'security', operator: 'Exists' }] }],
        },
      },
    },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ operator: 'Exists' }],
    podAnnotations: { a: 'b' },
    podLabels: { team: 'red' },
    extraVolumes: [{ name: 'more', emptyDir: {} }],
    extraVolumeMounts: [{ name: 'more', mountPath: '/more' }],
  },
}
