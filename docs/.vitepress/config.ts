import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitepress'
import { sidebar } from './sidebar.ts'
import { repositoryLinks } from './links.ts'

const SOURCE = join(import.meta.dirname, '..')
const REPOSITORY = 'https://github.com/talon-response/talon'

/** The site: the pages of docs/ and nothing else. `TALON_DOCS_BASE=/talon/` for a site that does not lie at the root of its host. */
export default defineConfig({
  title: 'Talon',
  description: 'Answers the threats that Falco detects in Kubernetes',
  lang: 'en',
  base: process.env['TALON_DOCS_BASE'] ?? '/',
  srcExclude: ['node_modules/**'],
  // Folders are read on GitHub as well, where their page is README.md.
  rewrites: (id) => id.replace(/README\.md$/, 'index.md'),
  cleanUrls: false,
  lastUpdated: false,
  markdown: {
    theme: { light: 'github-light', dark: 'github-dark' },
    config: (markdown) => repositoryLinks(markdown, { source: SOURCE, repository: `${REPOSITORY}/blob/main/` }),
  },
  themeConfig: {
    nav: [
      { text: 'Guide', link: '/guide/five-minutes' },
      { text: 'Reference', link: '/reference/' },
      { text: 'Architecture', link: '/architecture' },
    ],
    sidebar: [...sidebar(SOURCE)],
    outline: [2, 3],
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    footer: { message: 'Apache-2.0' },
  },
  // Editors ask for the schemas by address; dashboard and alerts are files to take along.
  buildEnd({ outDir }) {
    for (const folder of ['schema', 'observability'])
      cpSync(join(SOURCE, folder), join(outDir, folder), {
        recursive: true,
        filter: (path) => !path.endsWith('.md'),
      })
  },
})
