import { ActionError, TalonError } from '@talon/plugin'

/** What Slack answers instead of `ok`, and what to do. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors */
const ADVICE: Readonly<Record<string, string>> = {
  action_prohibited:
    'an administrator of the workspace restricts posting to this channel: ask for the app to be allowed',
  channel_is_archived: 'the channel of the webhook is archived: unarchive it, or make a webhook for another channel',
  channel_not_found: 'the channel of the webhook is gone: make a webhook for another channel',
  invalid_blocks: 'Slack does not take the form of the message: please report it, with the version of Talon',
  invalid_payload: 'Slack does not take the form of the message: please report it, with the version of Talon',
  invalid_token: 'the token in webhook_url is not valid: copy the address from the app again',
  msg_blocks_too_long: 'Slack finds the message too long: please report it, with the version of Talon',
  no_active_hooks: 'the webhook is disabled: turn it on in the app, or make another',
  no_service: 'the webhook is disabled, removed or mistyped: copy webhook_url from the app again, or make another',
  no_service_id: 'webhook_url is cut short: copy it from the app again',
  no_team: 'Slack knows no such workspace: copy webhook_url from the app again',
  no_text: 'Slack found no text in the message: please report it, with the version of Talon',
  posting_to_general_channel_denied: 'only some people may post to the general channel: make a webhook for another one',
  rollup_error: 'Slack had trouble of its own',
  team_disabled: 'the workspace is disabled: use a webhook of another one',
  token_revoked: 'the app was removed from the workspace: install it again and copy its webhook_url',
  too_many_attachments: 'Slack does not take the form of the message: please report it, with the version of Talon',
  user_not_found: 'the user that the webhook posts to is gone: make a webhook for a channel',
}

/** The error of a request with what Slack's own word for it means, where it gave one. Whether to try again stays. */
export function explained(error: unknown): unknown {
  if (!TalonError.is(error) || error.kind !== 'action') return error
  const words: readonly string[] = error.message.match(/\b[a-z]+(_[a-z]+)+\b/g) ?? []
  const advice = words.flatMap((word) => ADVICE[word] ?? [])[0]
  if (advice === undefined) return error
  const { retryable, retryAfter } = error
  return new ActionError(`${error.message}; ${advice}`, {
    cause: error,
    retryable,
    ...(retryAfter !== undefined && { retryAfter }),
  })
}
