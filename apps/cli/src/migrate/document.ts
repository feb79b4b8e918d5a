import { ConfigError, type Issue } from '@talon/plugin'
import type { RuleSource } from '@talon/core'
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml'
import { applyEdits, keepingLines, removal, rewrite, type Edit } from './edit.ts'
import type { Finding, FindingKind } from './finding.ts'

/** A pair of a map, and the map. */
export interface Place {
  readonly map: YAMLMap
  readonly pair: Pair
}

/** A YAML file that is edited in place: what is not changed stays letter by letter. */
export class EditableFile {
  readonly name: string
  readonly findings: Finding[] = []
  readonly #text: string
  readonly #lines = new LineCounter()
  readonly #documents: readonly Document[]
  readonly #edits: Edit[] = []
  /** What is left out of `unsettled` alone. */
  readonly #hidden: Edit[] = []

  /** @throws ConfigError where it is no YAML */
  constructor({ name, text }: RuleSource) {
    this.name = name
    this.#text = text
    const parsed = [...parseAllDocuments(text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2' })]
    const issues = parsed.flatMap(({ errors }) =>
      errors.map(({ message, pos }): Issue => {
        const { line, col } = this.#lines.linePos(pos[0])
        return { level: 'error', message: `YAML: ${message}`, file: name, line, column: col }
      }),
    )
    if (issues.length) throw new ConfigError(issues)
    // A `---` at the end begins an empty document.
    this.#documents = parsed.filter(
      ({ contents }) => contents !== null && !(isScalar(contents) && contents.value === null),
    )
  }

  /** The top of the file: a map, or the blocks of a list. */
  get root(): Node | undefined {
    return this.#documents[0]?.contents ?? undefined
  }

  /** The node that a key has, behind aliases. */
  at(map: unknown, key: string): Node | undefined {
    const node: unknown = isMap(map) ? map.get(key, true) : undefined
    const found = isAlias(node) ? this.#documents.map((one) => node.resolve(one)).find((one) => one) : node
    return (found as Node | undefined) ?? undefined
  }

  /** The maps of a list, or those of one that a key has. */
  maps(node: unknown): YAMLMap[] {
    return isSeq(node) ? node.items.filter(isMap) : []
  }

  /** The text that a key has, as it is written; undefined where it has none. */
  text(map: unknown, key: string): string | undefined {
    const node = this.at(map, key)
    if (isText(node)) return node.value
    return isScalar(node) && node.value !== null ? node.source : undefined
  }

  /** The pair whose key begins at a place. */
  pairAt(line: number, column: number): Place | undefined {
    const start = (this.#lines.lineStarts[line - 1] ?? Number.NaN) + column - 1
    let found: Place | undefined
    for (const document of this.#documents)
      visit(document, {
        Pair: (_, pair, path) => {
          const map = path.at(-1)
          if ((pair.key as Node | null)?.range?.[0] !== start || !isMap(map)) return undefined
          found = { map, pair }
          return visit.BREAK
        },
      })
    return found
  }

  pairOf(map: unknown, key: string): Place | undefined {
    const pair = isMap(map) ? map.items.find((one) => isScalar(one.key) && one.key.value === key) : undefined
    return pair && { map: map as YAMLMap, pair }
  }

  remove({ map, pair }: Place): void {
    this.#edits.push(removal(this.#text, map, pair))
  }

  /** Leaves a pair in the file, and out of `unsettled`. */
  hide({ map, pair }: Place): void {
    this.#hidden.push(removal(this.#text, map, pair))
  }

  /** Gives a key or a value another text. */
  set(scalar: Scalar<string>, change: (text: string) => string): void {
    this.#edits.push(rewrite(this.#text, scalar, change))
  }

  /** Notes what was found at a node, or of the file as a whole. */
  note(kind: FindingKind, at: Node | number | undefined, message: string): void {
    const line = typeof at === 'number' ? at : at?.range ? this.#lines.linePos(at.range[0]).line : undefined
    const known = this.findings.some((one) => one.kind === kind && one.line === line && one.message === message)
    if (!known) this.findings.push({ kind, file: this.name, message, ...(line !== undefined && { line }) })
  }

  toString(): string {
    return applyEdits(this.#text, this.#edits)
  }

  /** The file without all that has been settled; what is left stands on the line that it had. */
  get unsettled(): RuleSource {
    const edits = keepingLines(this.#text, [...this.#edits, ...this.#hidden])
    return { name: this.name, text: applyEdits(this.#text, edits) }
  }
}

/** Whether a node is a text. */
export const isText = (node: unknown): node is Scalar<string> => isScalar(node) && typeof node.value === 'string'
