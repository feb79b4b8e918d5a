import { dirname, extname, join, relative } from 'node:path/posix'
import type { MarkdownRenderer } from 'vitepress'

export interface LinkOptions {
  /** The folder of the pages. */
  readonly source: string
  /** Address of the repository's files, with a slash at its end. */
  readonly repository: string
}

/** Pages link each other and the repository's files as GitHub does; what is no page of the site leads to the repository. */
export function repositoryLinks(markdown: MarkdownRenderer, { source, repository }: LinkOptions): void {
  markdown.core.ruler.push('repository_links', ({ tokens, env }) => {
    const { path } = env as { path: string }
    for (const token of tokens)
      for (const child of token.children ?? []) {
        const href = child.type === 'link_open' ? child.attrGet('href') : null
        if (href === null || /^[a-z]+:|^[#/]/.test(href)) continue
        const [target = '', hash] = href.split('#')
        const file = relative(source, join(dirname(path), target))
        const outside = file.startsWith('..') || extname(file) !== '.md'
        const site = target.replace(/README\.md$/, 'index.md')
        const repo = `${repository}${relative(join(source, '..'), join(dirname(path), target))}`
        child.attrSet('href', (outside ? repo : site) + (hash === undefined ? '' : `#${hash}`))
      }
    return true
  })
}
