import type { Issue } from '@talon/plugin'

const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

/** An issue as an annotation. https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions */
export function issueCommand({ level, message, hint, file, line, column, length }: Issue): string {
  const properties = {
    file,
    line,
    col: column,
    endColumn: column !== undefined && length !== undefined ? column + length : undefined,
    title: 'talon check',
  }
  const listed = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${property(String(value))}`)
  return `::${level} ${listed.join(',')}::${data(hint ? `${message} (${hint})` : message)}`
}
