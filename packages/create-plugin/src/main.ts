import { relative } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { choose, KINDS, LICENSES, type Asked } from './choice.ts'
import { readVersions } from './manifest.ts'
import { ask } from './prompts.ts'
import { filesOf, write } from './scaffold.ts'

const USAGE = `Starts a plugin of Talon.

  npm create @talon/plugin <folder> -- [options]

  --kind <kind>        ${KINDS.join(', ')} (${KINDS[0]})
  --package <name>     name of the npm package (the folder's)
  --name <name>        name in rules: category:name for actionner and output (from the package's name)
  --license <license>  ${LICENSES.join(', ')} (${LICENSES[0]})
  --author <author>    in package.json, and in the MIT licence
  --help               this text

Without a folder it asks, on a terminal. Nothing is downloaded, and nothing is ever overwritten.`

const text = { type: 'string' } as const
const options = { kind: text, package: text, name: text, license: text, author: text } as const

/** Runs the command. Gives its exit status: 0 made, 2 wrong use. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
    if (values.help) {
      console.log(USAGE)
      return 0
    }
    const { help: _, ...given } = values
    const choice = choose(await complete(positionals, given))
    write(choice.folder, filesOf(choice, readVersions(), new Date().getFullYear()))
    console.log(`Made ${choice.package}, which provides the ${choice.kind} '${choice.name}'. Next:

  cd ${relative(process.cwd(), choice.folder) || '.'}
  npm install
  npm run build
  npm test`)
    return 0
  } catch (error) {
    console.error(`create-plugin: ${error instanceof Error ? error.message : String(error)}`)
    return 2
  }
}

/** Asks for what is open where somebody can answer. @throws Error where nobody can, and no folder is named. */
async function complete(positionals: readonly string[], given: Omit<Asked, 'folder'>): Promise<Asked> {
  const [folder, ...more] = positionals
  if (more.length) throw new Error(`one folder is made at a time, '${more.join(' ')}' is left over: see --help`)
  if (folder !== undefined) return { folder, ...given }
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new Error('name the folder to make: npm create @talon/plugin my-plugin')
  return ask(given)
}
