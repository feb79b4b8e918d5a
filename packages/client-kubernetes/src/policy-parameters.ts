import type { PolicyRule } from '@talon/plugin'
import { z } from 'zod'
import { networkOf, type Egress } from './egress.ts'

/** A network; bits of a host within it are taken away. */
const cidr = z
  .union([z.cidrv4(), z.cidrv6()], 'is no network: write "10.0.0.0/8" or "fd00::/8"')
  .describe('A network: 10.0.0.0/8, fd00::/8')
/** RFC 1123 label: what the API takes for a namespace. */
const namespaceName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "is no name of a namespace: lower case letters, digits and '-'")

/** More entries than this make a policy that nobody reads, and that the API may not take. */
const MOST = 500

/** Networks that stay open. */
export const allowCidr = z.array(cidr).max(MOST).default([])
/** Namespaces whose pods may still be reached. */
export const allowNamespaces = z.array(namespaceName).max(MOST).default([])
/** Whom the policy selects. */
export const policyScope = z
  .enum(['owner', 'pod'])
  .default('owner')
  .describe("The pods of the pod's owner, or the one pod, which gets a label for it")

interface Lists {
  readonly allow_cidr: readonly string[]
  readonly allow_namespaces: readonly string[]
}

/** What the parameters let through; `none` says what two empty lists mean. */
export function allowedBy({ allow_cidr, allow_namespaces }: Lists, none: 'nothing' | 'everything'): Egress['allow'] {
  if (none === 'everything' && !allow_cidr.length && !allow_namespaces.length) return 'everything'
  return { cidrs: [...new Set(allow_cidr.map(networkOf))], namespaces: [...new Set(allow_namespaces)] }
}

/** What finding and marking the pods takes. The policy's own kind comes on top. */
export const policyPermissions: readonly PolicyRule[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'patch'] },
  { apiGroups: ['apps'], resources: ['replicasets', 'statefulsets', 'daemonsets'], verbs: ['get'] },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get'] },
  { apiGroups: [''], resources: ['replicationcontrollers'], verbs: ['get'] },
]
