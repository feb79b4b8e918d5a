import { z } from 'zod'
import { ActionError } from './errors.ts'

const isSafe = (prefix: string) =>
  !/[\\\0]/.test(prefix) && !prefix.split('/').some((segment) => segment === '.' || segment === '..')

/** The parameter `prefix` of an output that stores objects in a bucket. */
export const prefix = z
  .string()
  .default('')
  .refine(isSafe, 'must not hold `.` or `..` as a part, a backslash or a NUL')
  .meta({ tokens: 'segment' })
  .describe('Where in the bucket the objects go, parts separated by slashes; each token becomes one clean part')

/**
 * The key of an object in a bucket: the prefix, with or without slashes around it, and the artifact's own name.
 * @throws ActionError where the name is not one part: nobody's word is taken for it.
 */
export function objectKey(prefix: string, key: string): string {
  if (!isSafe(key) || key === '' || key.includes('/'))
    throw new ActionError(`${JSON.stringify(key)} is no name of an object: nothing was stored`)
  return [...prefix.split('/').filter((segment) => segment !== ''), key].join('/')
}
