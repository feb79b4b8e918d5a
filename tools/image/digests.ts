// Prints the images that a release rests on, a line each: what takes it, its tag, and the same by the digest that the registry has now.
import { execFileSync } from 'node:child_process'
import { images } from './images.ts'

const ask = ['buildx', 'imagetools', 'inspect', '--format', '{{.Manifest.Digest}}']

for (const { use, image } of await images()) {
  const digest = execFileSync('docker', [...ask, image], { encoding: 'utf8' }).trim()
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`the registry gives no digest for ${image}: ${digest}`)
  console.log(`${use} ${image} ${image}@${digest}`)
}
