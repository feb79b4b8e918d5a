import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseAst } from 'rolldown/parseAst'

/** One exported name, as the compiler wrote it down. */
export interface Exported {
  readonly name: string
  readonly kind: 'class' | 'function' | 'type' | 'value'
  /** Its docstring, without stars; empty where there is none. */
  readonly doc: string
  /** Its declaration, and what of its module it is made of that has no name outside. */
  readonly code: string
}

interface Declaration extends Exported {
  readonly exported: boolean
}

type Statement = ReturnType<typeof parseAst>['body'][number]

/** The exported names of a package, from the `index.d.ts` that was built. @throws Error where one is declared nowhere. */
export function exportedBy(index: string): Exported[] {
  return reexports(index).map(({ name, from }) => {
    const declared = declarationsOf(from)
    const parts = declared.filter((declaration) => declaration.name === name)
    const [first] = parts
    if (!first) throw new Error(`${index}: ${name} is declared nowhere in ${from}`)
    return { ...first, code: [...parts, ...partsOf(first, declared)].map(({ code }) => code).join('\n\n') }
  })
}

/** The names that a module takes from others and gives on, each with the file that declares it. */
function reexports(file: string): { readonly name: string; readonly from: string }[] {
  return read(file).body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration' || !statement.source) return []
    const from = join(dirname(file), statement.source.value.replace(/\.[jt]s$/, '.d.ts'))
    return statement.specifiers.map(({ exported }) => {
      const name = exported.type === 'Literal' ? exported.value : exported.name
      return reexports(from).find((other) => other.name === name) ?? { name, from }
    })
  })
}

function read(file: string): { readonly text: string; readonly body: readonly Statement[] } {
  const text = readFileSync(file, 'utf8')
  return { text, body: parseAst(text, { lang: 'dts' }).body }
}

/** What is declared in a module, exported or not. */
function declarationsOf(file: string): Declaration[] {
  const { text, body } = read(file)
  let end = 0
  return body.flatMap((statement) => {
    const doc = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*$/.exec(text.slice(end, statement.start))?.[1] ?? ''
    ;({ end } = statement)
    const exported = statement.type === 'ExportNamedDeclaration'
    const declaration = exported ? statement.declaration : statement
    const [name, kind] = named(declaration) ?? []
    if (!name || !kind) return []
    const code = text
      .slice(statement.start, statement.end)
      .replace(/^(export )?(declare )?/, '')
      .replaceAll(/^ {4,}/gm, (indent) => indent.slice(indent.length / 2))
    return [{ name, kind, exported, doc: plain(doc), code }]
  })
}

function named(declaration: unknown): [string, Exported['kind']] | undefined {
  const { type, id, declarations } = (declaration ?? {}) as {
    type?: string
    id?: { name: string }
    declarations?: { id: { name: string } }[]
  }
  if (type === 'VariableDeclaration' && declarations?.[0]) return [declarations[0].id.name, 'value']
  if (!id) return undefined
  if (type === 'ClassDeclaration') return [id.name, 'class']
  if (type === 'TSDeclareFunction' || type === 'FunctionDeclaration') return [id.name, 'function']
  return type === 'TSInterfaceDeclaration' || type === 'TSTypeAliasDeclaration' ? [id.name, 'type'] : undefined
}

/** Declarations of the module that have no name outside of it, and that others are made of. */
function partsOf(whole: Declaration, declared: readonly Declaration[]): Declaration[] {
  const found = new Set<Declaration>()
  const look = ({ code }: Declaration) => {
    for (const part of declared)
      if (!part.exported && !found.has(part) && part !== whole && new RegExp(`\\b${part.name}\\b`).test(code)) {
        found.add(part)
        look(part)
      }
  }
  look(whole)
  return [...found]
}

const plain = (doc: string) =>
  doc
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .join('\n')
    .trim()
