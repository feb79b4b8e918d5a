import { createHash } from 'node:crypto'

const PREFIX = 'talon-'
/** Longest name that the API takes is 253; a prefix and a hash have to fit as well. */
const LONGEST = 230

/** `talon-web`; a name that is too long, or that the API would not take, is made valid and told apart by a hash. */
export function policyName(workload: string): string {
  const clean = workload
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .split('.')
    .map((part) => part.replaceAll(/^-+|-+$/g, ''))
    .filter((part) => part !== '')
    .join('.')
  const name = `${PREFIX}${clean}`
  if (clean === workload && name.length <= LONGEST) return name
  const cut = name.slice(0, LONGEST).replace(/[.-]+$/, '')
  return `${cut}-${digest(workload)}`
}

/** Ten digits that tell texts apart: fit for names and labels. */
export const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 10)
