import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Item {
  readonly text: string
  readonly link: string
}
interface Group {
  readonly text: string
  readonly collapsed?: boolean
  readonly items: Item[]
}

/** The guide, in the order in which it is read. A page that is not there yet is left out; one that is not listed comes last. */
const GUIDE = {
  Start: ['five-minutes', 'connect-falco', 'first-rule', 'test-rules', 'go-live', 'move-over'],
  Connect: ['outputs-and-clouds', 'notifiers'],
  Run: ['kubernetes', 'replicas', 'nats', 'secure', 'operate', 'troubleshoot'],
  Extend: ['write-a-plugin', 'embed-the-core'],
} as const

/** What stands at the side: the guide, the reference as it was generated, and what the house is like. */
export function sidebar(source: string): Group[] {
  const pages = pagesOf(source, 'guide')
  const listed: readonly string[] = Object.values(GUIDE).flat()
  const groups = Object.entries(GUIDE).map(([text, names]) => ({
    text,
    items: pages
      .filter(({ name }) => (names as readonly string[]).includes(name))
      .toSorted((a, b) => listed.indexOf(a.name) - listed.indexOf(b.name)),
  }))
  const others = pages.filter(({ name }) => !listed.includes(name))
  const reference = ['actionners', 'outputs', 'notifiers', 'contexts'].map((kind) => ({
    text: `${kind[0]?.toUpperCase()}${kind.slice(1)}`,
    collapsed: true,
    items: pagesOf(source, `reference/${kind}`),
  }))
  return [
    ...groups,
    ...(others.length ? [{ text: 'More', items: others }] : []),
    {
      text: 'Reference',
      items: [
        { text: 'All of it', link: '/reference/' },
        { text: 'Configuration', link: '/reference/configuration' },
        { text: 'Watching Talon', link: '/observability/' },
      ],
    },
    ...reference,
    {
      text: 'For authors of plugins',
      collapsed: true,
      items: [...pagesOf(source, 'api'), { text: 'Plugins and versions', link: '/plugin-semver' }],
    },
    {
      text: 'The project',
      items: [
        { text: 'Architecture', link: '/architecture' },
        { text: 'What Talon costs', link: '/performance' },
        { text: 'Contributing', link: '/contributing' },
      ],
    },
  ]
}

function pagesOf(source: string, folder: string): (Item & { readonly name: string })[] {
  return readdirSync(join(source, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => {
      const name = file.replace(/\.md$/, '')
      const title = /^# (.+)$/m.exec(readFileSync(join(source, folder, file), 'utf8'))?.[1] ?? name
      return { name, text: title.replaceAll('`', ''), link: `/${folder}/${name}` }
    })
}
