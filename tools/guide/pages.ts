import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** The root of the repository. */
export const ROOT = join(import.meta.dirname, '../..')

/** A fenced block of a page. */
export interface Block {
  /** `sh`, `yaml`, `text`; empty where the fence says nothing. */
  readonly language: string
  readonly text: string
  /** Of its fence, from 1. */
  readonly line: number
}

export interface Page {
  /** Its file's name without `.md`. */
  readonly name: string
  readonly text: string
  readonly blocks: readonly Block[]
}

/** The pages of the guide, the README, the site's start page, and how to contribute. */
export function readPages(): readonly Page[] {
  const guide = readdirSync(join(ROOT, 'docs/guide')).filter((file) => file.endsWith('.md'))
  return [...guide.map((file) => `docs/guide/${file}`), 'README.md', 'docs/index.md', 'docs/contributing.md'].map(
    (path) => {
      const text = readFileSync(join(ROOT, path), 'utf8')
      return { name: basename(path, '.md'), text, blocks: blocksOf(text) }
    },
  )
}

/** The fenced blocks of a page, without the indentation that they have in a list. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  const lines = markdown.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const [, indent = '', fence, language = ''] = /^( *)(`{3,})([\w-]*)/.exec(lines[at] ?? '') ?? []
    if (fence === undefined) continue
    const line = at + 1
    const content: string[] = []
    for (at += 1; at < lines.length && lines[at]?.trim() !== fence; at += 1)
      content.push((lines[at] ?? '').replace(new RegExp(`^ {0,${indent.length}}`), ''))
    blocks.push({ language, text: content.join('\n'), line })
  }
  return blocks
}
