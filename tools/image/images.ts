import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { firstParty } from '@talon/bundle'
import { parametersOf } from '@talon/core'

const DOCKERFILE = join(import.meta.dirname, '../../apps/server/Dockerfile')

/** An image that a release rests on. */
export interface Image {
  /** Who takes it: an argument of the Dockerfile, or an actionner. */
  readonly use: string
  readonly image: string
}

/** The bases of the Dockerfile, and the images that actions start in a cluster where a rule names no other. */
export async function images(): Promise<Image[]> {
  const bases = readFileSync(DOCKERFILE, 'utf8').matchAll(/^ARG (\w*BASE)=(\S+)$/gm)
  const actionners = (await firstParty()).flatMap(({ provides }) => provides.filter((one) => one.kind === 'actionner'))
  return [
    ...[...bases].map(([, use = '', image = '']) => ({ use, image })),
    ...actionners.flatMap((one) =>
      parametersOf(one.parameters).flatMap(({ name, default: image }) =>
        name === 'image' && typeof image === 'string' ? [{ use: one.name, image }] : [],
      ),
    ),
  ]
}
