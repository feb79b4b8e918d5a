import { hostname } from 'node:os'
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
  type Resource,
} from '@opentelemetry/resources'

/**
 * Who tells: Falco Talon's service name, this version, and the host, which is the pod's name in Kubernetes.
 * `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function resourceOf(version?: string): Resource {
  const own = resourceFromAttributes({
    'service.name': 'falco-talon',
    'service.instance.id': hostname(),
    ...(version !== undefined && { 'service.version': version }),
  })
  return own.merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }))
}
