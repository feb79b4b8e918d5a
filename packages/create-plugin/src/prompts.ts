import { basename, resolve } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline/promises'
import { KINDS, LICENSES, type Asked } from './choice.ts'

/** Asks on the terminal for the folder, and for the choices that no option made. */
export async function ask(given: Omit<Asked, 'folder'>): Promise<Asked> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = async (question: string, usual: string) =>
    (await terminal.question(`${question} (${usual}): `)).trim() || usual
  try {
    const folder = await answer('Folder', 'talon-plugin-example')
    return {
      ...given,
      folder,
      kind: given.kind ?? (await answer(`Kind: ${KINDS.join(', ')}`, KINDS[0])),
      package: given.package ?? (await answer('Name of the npm package', basename(resolve(folder)).toLowerCase())),
      license: given.license ?? (await answer(`Licence: ${LICENSES.join(', ')}`, LICENSES[0])),
    }
  } finally {
    terminal.close()
  }
}
