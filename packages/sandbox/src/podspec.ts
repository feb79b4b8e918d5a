import type { Container, Json, KubeObject, Pod } from './objects.ts'
import { duplicate, forbidden, required, type Cause } from './status.ts'
import { dnsLabelCauses } from './validate.ts'

/** Fields that a container which is added to a running pod cannot have. */
const NOT_EPHEMERAL = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resources']

/** What is wrong with the containers of a new pod, in the API server's words. */
export function podCauses({ spec }: KubeObject): Cause[] {
  const { containers = [], ephemeralContainers = [] } = (spec ?? {}) as Partial<Pod['spec']>
  const causes = containers.length ? [] : [required('spec.containers')]
  for (const [n, container] of containers.entries())
    causes.push(...containerCauses('spec.containers', containers, n, container))
  if (ephemeralContainers.length) causes.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'))
  return causes
}

/** What is wrong with ephemeral containers that a pod is to have. */
export function ephemeralCauses({ spec }: Pod, wanted: readonly Container[]): Cause[] {
  const field = 'spec.ephemeralContainers'
  const others = [...(spec.initContainers ?? []), ...spec.containers]
  return wanted.flatMap((container, n) => {
    const { targetContainerName: target = '' } = container as unknown as Json
    const causes = containerCauses(field, [...others, ...wanted], others.length + n, container, n)
    if (target !== '' && !spec.containers.some(({ name }) => name === target))
      causes.push({
        field: `${field}[${n}].targetContainerName`,
        reason: 'FieldValueNotFound',
        message: `Not found: ${JSON.stringify(target)}`,
      })
    for (const key of NOT_EPHEMERAL)
      if (key in container) causes.push(forbidden(`${field}[${n}].${key}`, 'cannot be set for an Ephemeral Container'))
    return causes
  })
}

/** @param at where the container stands among all whose names it may not have */
function containerCauses(
  field: string,
  all: readonly Container[],
  at: number,
  { name, image }: Container,
  n = at,
): Cause[] {
  const place = `${field}[${n}]`
  const causes = name ? dnsLabelCauses(`${place}.name`, name) : [required(`${place}.name`)]
  if (all.findIndex((other) => other.name === name) < at) causes.push(duplicate(`${place}.name`, name))
  if (!image) causes.push(required(`${place}.image`))
  return causes
}
