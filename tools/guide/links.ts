import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { posix } from 'node:path'
import { ROOT } from './pages.ts'

/** Where the site sends those who ask for a file of the repository. */
const REPOSITORY = 'https://github.com/talon-response/talon/blob/main/'

/**
 * Links of a built site that lead nowhere: to a file or an anchor that the site does not have, or to a file that the
 * repository does not have. Other sites are not asked.
 * @param base the path that the site was built for, with a slash at both ends
 */
export function brokenLinks(site: string, base: string): string[] {
  const files = globSync('**/*.html', { cwd: site })
  const pages = new Map(files.map((file) => [file, readFileSync(join(site, file), 'utf8')]))
  return [...pages].flatMap(([file, html]) =>
    linksOf(html)
      .filter((link) => !leads(link, file))
      .map((link) => `${file}: ${link}`),
  )

  function leads(link: string, from: string): boolean {
    if (link.startsWith(REPOSITORY)) return existsSync(join(ROOT, pathOf(link.slice(REPOSITORY.length))))
    if (/^[a-z][\w+.-]*:/i.test(link)) return true
    const path = pathOf(link)
    if (path.startsWith('/') && !path.startsWith(base)) return false
    const below = path.startsWith('/') ? path.slice(base.length) : posix.join(dirname(from), path)
    const target = path === '' ? from : [below, posix.join(below, 'index.html'), `${below}.html`].find(isFile)
    const anchor = decodeURIComponent(link.split('#')[1] ?? '')
    if (target === undefined) return false
    return anchor === '' || (pages.get(target)?.includes(` id="${anchor}"`) ?? false)
  }

  function isFile(path: string): boolean {
    return existsSync(join(site, path)) && /\.\w+$/.test(path)
  }
}

/** Links of a page of Markdown to files of the repository that are not there. */
export function brokenFiles(path: string): string[] {
  const text = readFileSync(join(ROOT, path), 'utf8').replaceAll(/^( *)```[^]*?^\1```/gm, '')
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  const own = targets.filter((target) => !/^([a-z]+:|#)/.test(target))
  return own.filter((target) => !existsSync(join(ROOT, dirname(path), pathOf(target))))
}

const linksOf = (html: string) =>
  [...html.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, link = '']) => link.replaceAll('&amp;', '&'))

const pathOf = (link: string) => decodeURIComponent(link.replace(/[?#].*$/, ''))
