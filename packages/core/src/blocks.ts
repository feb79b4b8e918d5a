import { z } from 'zod'

const text = z.string()
const texts = z.array(text)

/** `output` of an action. */
export const outputBlock = z.object({
  target: text.describe('Name of the output: `local:file`'),
  parameters: z.record(z.string(), z.unknown()).optional().describe("The output's parameters"),
  manifest: z
    .boolean()
    .optional()
    .describe(
      'Whether a JSON file beside the artifacts of one event lists each with size and SHA-256; false where missing',
    ),
})

/** An action: reusable at the top of a file, or in a rule. */
export const actionBlock = z.object({
  action: text
    .min(1)
    .describe('Name of the action; a rule that uses the name of a reusable one takes from it what it leaves open'),
  description: text.optional().describe('For people'),
  actionner: text.optional().describe('What does it: `kubernetes:terminate`'),
  continue: z
    .boolean()
    .optional()
    .describe("Whether the rule's next action follows; the actionner's own default where missing"),
  ignore_errors: z.boolean().optional().describe('Whether the next action follows a failure; false where missing'),
  timeout: z
    .number()
    .positive()
    .optional()
    .describe("Seconds that it may take; the actionner's own default where missing"),
  additional_contexts: texts.optional().describe('Contexts whose facts it gets: `k8snode`'),
  parameters: z.record(z.string(), z.unknown()).optional().describe("The actionner's parameters"),
  output: outputBlock.optional().describe('Where its artifact is stored'),
})

/** Which events a rule answers. */
export const matchBlock = z.object({
  rules: texts.optional().describe('Names of Falco rules, any of them'),
  priority: text.optional().describe('`>=Critical`; =, <, <=, >, >= or none, which means ='),
  source: text.optional().describe("The event's source: `syscall`, `k8s_audit`"),
  tags: texts.optional().describe('Any of the lines; all tags of a line, separated by commas'),
  output_fields: texts
    .optional()
    .describe('Any of the lines; all terms of a line: `k8s.ns.name!=kube-system, proc.name=sh`'),
})

export const ruleBlock = z.object({
  rule: text.min(1).describe('Name of the rule'),
  description: text.optional().describe('For people'),
  match: matchBlock.optional().describe('Which events it answers; all where it is empty'),
  continue: z.boolean().optional().describe('Whether the rules below are tried once it matched; true where missing'),
  dry_run: z.boolean().optional().describe('Whether it only says what it would do; false where missing'),
  actions: z.array(z.unknown()).optional().describe('Run in this order'),
  notifiers: texts.optional().describe('Told of the results, besides default_notifiers'),
})

export type MatchBlock = z.output<typeof matchBlock>
