/** A text object, as Slack's documentation has it. */
export interface SlackText {
  readonly type: string
  readonly text: string
  readonly emoji?: boolean
  readonly verbatim?: boolean
}

/** A block: those that a message of Talon may be made of. */
export interface SlackBlock {
  readonly type: string
  readonly text?: SlackText
  readonly fields?: readonly SlackText[]
  readonly elements?: readonly SlackText[]
}

/** The part of a message that is looked at. */
export interface SlackMessage {
  readonly text?: string
  readonly username?: string
  readonly icon_url?: string
  readonly icon_emoji?: string
  readonly blocks?: readonly SlackBlock[]
  readonly attachments?: readonly {
    readonly color?: string
    readonly fallback?: string
    readonly blocks?: readonly SlackBlock[]
  }[]
}

/** Slack truncates a longer text: https://docs.slack.dev/changelog/2018-truncating-really-long-messages. */
const TEXT = 40_000
/** https://docs.slack.dev/reference/block-kit/blocks/section-block, header-block, context-block */
const [SECTION, FIELDS, FIELD, HEADER, ELEMENTS, BLOCKS] = [3000, 10, 2000, 150, 10, 50]
/** All texts of all blocks: documented nowhere, but seen by others: https://github.com/slackapi/bolt-js/issues/2509. */
const ALL = 13_200
/** https://docs.slack.dev/reference/methods/chat.postMessage#errors */
const ATTACHMENTS = 100

/** The blocks of a message, those in its attachments too. */
export function blocksOf({ blocks = [], attachments = [] }: SlackMessage): SlackBlock[] {
  return [...blocks, ...attachments.flatMap((one) => one.blocks ?? [])]
}

/** The texts of the blocks. */
export function textsOf(message: SlackMessage): SlackText[] {
  return blocksOf(message).flatMap(({ text, fields = [], elements = [] }) => [
    ...(text ? [text] : []),
    ...fields,
    ...elements,
  ])
}

/** The word with which Slack refuses the message, by its documented limits; undefined where it takes it. */
export function refusalOf(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return 'invalid_payload'
  const { text, blocks, attachments } = message as SlackMessage
  if (text !== undefined && typeof text !== 'string') return 'invalid_payload'
  if (!text && !blocks?.length && !attachments?.length) return 'no_text'
  if ((text ?? '').length > TEXT) return 'msg_too_long'
  if ((attachments ?? []).length > ATTACHMENTS) return 'too_many_attachments'
  const all = blocksOf(message)
  if (all.length > BLOCKS || !all.every(isBlock)) return 'invalid_blocks'
  const size = textsOf(message).reduce((sum, one) => sum + one.text.length, 0)
  return size > ALL ? 'msg_blocks_too_long' : undefined
}

function isBlock({ type, text, fields, elements }: SlackBlock): boolean {
  const within = (some: readonly SlackText[], most: number, size: number) =>
    some.length > 0 && some.length <= most && some.every((one) => isText(one, size))
  switch (type) {
    case 'section':
      return (text ? isText(text, SECTION) : fields !== undefined) && (!fields || within(fields, FIELDS, FIELD))
    case 'header':
      return text?.type === 'plain_text' && isText(text, HEADER)
    case 'context':
      return elements !== undefined && within(elements, ELEMENTS, SECTION)
    case 'divider':
      return true
    default:
      return false
  }
}

function isText({ type, text, emoji, verbatim }: SlackText, most: number): boolean {
  if (typeof text !== 'string' || text.trim() === '' || text.length > most) return false
  if (type === 'plain_text') return verbatim === undefined
  return type === 'mrkdwn' && emoji === undefined
}
