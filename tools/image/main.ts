// `npm run image:folder -- <out>`: builds the folder that apps/server/Dockerfile copies into the image.
import { resolve } from 'node:path'
import process from 'node:process'
import { buildFolder } from './folder.ts'

const [out] = process.argv.slice(2)
if (out === undefined) {
  console.error('where to? npm run image:folder -- <folder>; what is in it is replaced')
  process.exitCode = 2
} else {
  await buildFolder(resolve(out))
  console.log(`the image's folder is built: ${resolve(out)}`)
}
