/**
 * The settings of other programs, as far as pages name them: a page that names another is wrong, or this list is to be
 * extended, from the program's own documentation.
 */
export const FOREIGN: Readonly<Record<string, readonly string[]>> = {
  // https://github.com/falcosecurity/falco/blob/master/falco.yaml, Falco 0.43
  'falco.yaml': [
    'json_output',
    'json_include_output_property',
    'json_include_output_fields_property',
    'json_include_tags_property',
    'http_output.enabled',
    'http_output.url',
    'http_output.user_agent',
    'http_output.insecure',
    'http_output.ca_cert',
    'http_output.mtls',
    'http_output.client_cert',
    'http_output.client_key',
    'http_output.compress_uploads',
    'http_output.keep_alive',
    // https://falco.org/docs/concepts/outputs/formatting/: names of fields, or a name and a text with fields in it
    'append_output.match.source',
    'append_output.match.rule',
    'append_output.extra_fields',
    'append_output.extra_fields.ka.target.pod.name',
  ],
  // https://github.com/falcosecurity/falcosidekick/tree/master/docs/outputs: talon.md, webhook.md; Falcosidekick 2.32
  "Falcosidekick's config.yaml": [
    'talon.address',
    'talon.minimumpriority',
    'talon.checkcert',
    'webhook.address',
    'webhook.method',
    'webhook.minimumpriority',
    'webhook.mutualtls',
    'webhook.checkcert',
    'webhook.customHeaders.Authorization',
    'mutualtlsclient.certfile',
    'mutualtlsclient.keyfile',
    'mutualtlsclient.cacertfile',
    'tlsclient.cacertfile',
  ],
  // https://github.com/falcosecurity/charts: charts/falco/values.yaml and charts/falcosidekick/values.yaml
  'values of the Falco chart': [
    'tty',
    'falco.json_output',
    'falco.http_output.enabled',
    'falco.http_output.url',
    'falco.http_output.ca_cert',
    'falcosidekick.enabled',
    'falcosidekick.config.talon.address',
    'falcosidekick.config.talon.minimumpriority',
    'falcosidekick.config.talon.checkcert',
    'falcosidekick.config.webhook.address',
    'falcosidekick.config.webhook.minimumpriority',
    // With a capital H: the chart's template reads no other.
    'falcosidekick.config.webhook.customHeaders',
    'falcosidekick.config.existingSecret',
  ],
  // https://prometheus.io/docs/prometheus/latest/configuration/configuration/
  'prometheus.yml': [
    'rule_files',
    'scrape_configs.job_name',
    'scrape_configs.static_configs.targets',
    'scrape_configs.honor_labels',
    'scrape_configs.authorization.credentials_file',
    'scrape_configs.scheme',
    'scrape_configs.tls_config.ca_file',
  ],
}

/** The names of a value's settings, those of lists without their places: `scrape_configs.job_name`. */
export function settingsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => settingsOf(item, path))
  if (value === null || typeof value !== 'object') return [path]
  return Object.entries(value).flatMap(([key, below]) => settingsOf(below, path ? `${path}.${key}` : key))
}
