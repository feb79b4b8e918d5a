import { Contrib } from '@cyclonedx/cyclonedx-library'
import type { Package } from './package.ts'

/** Names and licences of packages with the texts that their authors want to be passed on, each text once. */
export function licences(packages: readonly Package[]): string {
  const texts = new Map<string, string[]>()
  for (const { folder, manifest } of packages) {
    const title = `${manifest.name} ${manifest.version} (${manifest.license ?? 'licence not named'})`
    const text = textsIn(folder) || 'Its package holds no text of its licence.'
    texts.set(text, [...(texts.get(text) ?? []), title])
  }
  const parts = [...texts].map(([text, titles]) => `${titles.toSorted().join('\n')}\n\n${text}`)
  return `Talon is made with these packages.\n\n${parts.toSorted().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}

/** LICENSE, NOTICE and the like of a package, one below the other. */
function textsIn(folder: string): string {
  const gatherer = new Contrib.License.Utils.LicenseEvidenceGatherer()
  const files = [...gatherer.getFileAttachments(folder)]
  // It gives the bytes of every file, as base64.
  const read = ({ text }: (typeof files)[number]) => Buffer.from(String(text.content), 'base64').toString()
  return files.map((file) => read(file).trim().replaceAll('\r\n', '\n')).join('\n\n')
}
