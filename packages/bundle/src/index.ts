import type { Plugin } from '@talon/plugin'

export { starterRules } from './starter.ts'

/** The packages that ship with Talon. Loading one brings its definitions; what they connect with loads when it is opened. */
const PACKAGES = {
  '@talon/actionner-aws': () => import('@talon/actionner-aws'),
  '@talon/actionner-calico': () => import('@talon/actionner-calico'),
  '@talon/actionner-cilium': () => import('@talon/actionner-cilium'),
  '@talon/actionner-gcp': () => import('@talon/actionner-gcp'),
  '@talon/actionner-kubernetes': () => import('@talon/actionner-kubernetes'),
  '@talon/context-aws': () => import('@talon/context-aws'),
  '@talon/context-kubernetes': () => import('@talon/context-kubernetes'),
  '@talon/notifier-elasticsearch': () => import('@talon/notifier-elasticsearch'),
  '@talon/notifier-k8sevents': () => import('@talon/notifier-k8sevents'),
  '@talon/notifier-loki': () => import('@talon/notifier-loki'),
  '@talon/notifier-slack': () => import('@talon/notifier-slack'),
  '@talon/notifier-webhook': () => import('@talon/notifier-webhook'),
  '@talon/output-file': () => import('@talon/output-file'),
  '@talon/output-s3': () => import('@talon/output-s3'),
  '@talon/output-minio': () => import('@talon/output-minio'),
  '@talon/output-gcs': () => import('@talon/output-gcs'),
  '@talon/notifier-smtp': () => import('@talon/notifier-smtp'),
} as const satisfies Readonly<Record<string, () => Promise<{ default: Plugin }>>>

/** Names of the packages that ship with Talon. */
export const firstPartyNames: readonly string[] = Object.keys(PACKAGES)

/** The plugins that ship with Talon: definitions alone, so that a check or a listing loads no SDK. */
export function firstParty(): Promise<Plugin[]> {
  return Promise.all(Object.values(PACKAGES).map(async (load) => (await load()).default))
}
