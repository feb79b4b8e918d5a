// Draws the pictures of the documentation from what Talon really sends: `npm run pictures`.
import { join } from 'node:path'
import { dashboard } from './dashboard.ts'
import { demo } from './demo.ts'
import { mail } from './mail.ts'
import { slack } from './slack.ts'

const PICTURES = join(import.meta.dirname, '../../docs/pictures')

for (const [name, draw] of Object.entries({ dashboard, demo, mail, slack })) {
  await draw(join(PICTURES, `${name}.png`))
  console.log(`docs/pictures/${name}.png`)
}
