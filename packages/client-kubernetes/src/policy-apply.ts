import type { Kubernetes, Write } from './api.ts'
import { isNotFound } from './failure.ts'
import type { Target } from './objects.ts'

/** A version that no object has, the first ones being the cluster's own: an object that came meanwhile is a conflict. */
const ABSENT = '1'

/** Applies a policy where it is still as it was read; where it was absent (no `version`), it must still be. */
export async function applyPolicy(
  kubernetes: Kubernetes,
  target: Target<unknown>,
  body: { readonly metadata: object },
  { version, ...write }: Write & { readonly version: string | undefined },
): Promise<void> {
  const { name, namespace, ...kind } = target
  if (write.dryRun && version === undefined) await kubernetes.demand('create', target, write.signal)
  try {
    // What others wrote into it was read and is kept as far as it narrows: their fields are taken.
    const metadata = { ...body.metadata, resourceVersion: version ?? ABSENT }
    await kubernetes.apply(target, { ...body, metadata }, { ...write, force: true })
  } catch (error) {
    // Calico 3.32.0 applies to no policy that is not there: https://github.com/projectcalico/calico/issues/12841
    if (version !== undefined || !isNotFound(error)) throw error
    await kubernetes.create({ ...kind, namespace }, { ...body, metadata: { ...body.metadata, name, namespace } }, write)
  }
}
