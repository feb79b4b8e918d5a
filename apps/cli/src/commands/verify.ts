import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { manifestSchema, type Manifest } from '@talon/core'
import { ConfigError } from '@talon/plugin'
import { paintFor } from '../issues/text.ts'
import type { GlobalOptions } from '../command.ts'

interface VerifyOptions extends GlobalOptions {
  readonly args: readonly string[]
}

type Artifact = Manifest['artifacts'][number]

/** Compares the files beside a manifest with it. Status 1 where one is missing or changed. */
export async function verify({ args: [path = ''] }: VerifyOptions): Promise<number> {
  const { artifacts } = await readManifest(path)
  const paint = paintFor(process.stdout)
  let wrong = 0
  for (const artifact of artifacts) {
    const found = await problemOf(artifact, dirname(path))
    const name = JSON.stringify(artifact.key)
    if (found) wrong++
    console.log(found ? `${paint('red', '✗')} ${name} ${found}` : `${paint('green', '✓')} ${name}`)
  }
  const count = `${artifacts.length} ${artifacts.length === 1 ? 'artifact' : 'artifacts'}`
  console.log(wrong ? `${wrong} of ${count} not as the manifest says` : `${count}, all as the manifest says`)
  return wrong ? 1 : 0
}

async function readManifest(path: string): Promise<Manifest> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`${path} cannot be read (${error.code}): give the path of a manifest`)
  })
  try {
    return manifestSchema.parse(JSON.parse(text))
  } catch {
    throw new ConfigError(`${path} is no manifest: Talon writes them beside artifacts, as <id>.manifest.json`)
  }
}

/** What is wrong with a file, or undefined. A name that would lead out of the folder is not followed. */
async function problemOf({ key, size, sha256 }: Artifact, folder: string): Promise<string | undefined> {
  if (/[/\\\0]/.test(key) || key === '..') return 'is no name of a file: the manifest was tampered with'
  const hash = createHash('sha256')
  let read = 0
  try {
    await pipeline(createReadStream(join(folder, key)), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        read += chunk.byteLength
        hash.update(chunk)
      }
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? `is missing in ${folder}` : `cannot be read (${code})`
  }
  if (read !== size) return `has ${read} bytes instead of ${size}`
  return hash.digest('hex') === sha256 ? undefined : `has other content: its SHA-256 is not ${sha256}`
}
