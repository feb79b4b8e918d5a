import { isSeq, type Node } from 'yaml'
import { isText, type EditableFile } from './document.ts'
import type { WrittenAction, WrittenRule } from './written.ts'

/** Parameters that mean something else here, by the actionners that have them. */
const PARAMETERS: readonly { readonly actionners: RegExp; readonly parameter: string; readonly message: string }[] = [
  {
    actionners: /^kubernetes:(terminate|drain)$/,
    parameter: 'min_healthy_replicas',
    message:
      'min_healthy_replicas counts what is ready after the action, of a ReplicaSet, StatefulSet or DaemonSet; it was what is ready before, of a ReplicaSet alone: the same number spares one pod more',
  },
  {
    actionners: /^kubernetes:drain$/,
    parameter: 'ignore_error',
    message: 'ignore_error never had an effect, and means ignore_errors here',
  },
  {
    actionners: /^aws:lambda$/,
    parameter: 'aws_lambda_alias_or_version',
    message:
      'aws_lambda_alias_or_version is $LATEST where it is missing; early versions sent an empty one, which AWS refuses. An error of the function is a failure of the action, and was a success',
  },
  {
    actionners: /^(calico|cilium):networkpolicy$/,
    parameter: 'allow_cidr',
    message: 'allow_cidr: the remote address of the event is denied first, also where it is in one of these networks',
  },
]

/** Says what an action does here that it did not there. */
export function describeAction({ file, node, actionner }: WrittenAction): void {
  const parameters = file.at(node, 'parameters')
  for (const { actionners, parameter, message } of PARAMETERS) {
    const place = file.pairOf(parameters, parameter)
    if (place && actionners.test(actionner)) file.note('differs', place.pair.key as Node, message)
  }
  const output = file.pairOf(node, 'output')
  if (output)
    file.note(
      'differs',
      output.pair.key as Node,
      'output: the time in the name of what is stored is UTC, to the millisecond; a target that cannot be reached is a failure and ends the sequence, which it did not',
    )
}

/** Says what rules do here that they did not there. */
export function describeRules(rules: readonly WrittenRule[]): void {
  rules[0]?.file.note(
    'differs',
    undefined,
    'events of different pods are answered side by side, those of one pod one after the other, the most urgent first; it was one event after the other',
  )
  const seen = new Map<string, WrittenRule>()
  for (const rule of rules) {
    const { file, node, name } = rule
    if (file.text(node, 'dry_run') === 'true')
      file.note(
        'differs',
        file.pairOf(node, 'dry_run')?.pair.key as Node,
        'dry_run: each action says what it would do, to the notifiers too; there was only a line in the log',
      )
    const match = file.at(node, 'match')
    const fields = file.at(match, 'output_fields')
    for (const item of isSeq(fields) ? fields.items : [fields]) describeFields(file, item)
    describeSource(file, file.at(match, 'source'))
    const earlier = seen.get(name)
    if (earlier) describeOverride(earlier, rule)
    else seen.set(name, rule)
  }
}

function describeSource(file: EditableFile, source: Node | undefined): void {
  if (!isText(source)) return
  const same = { syscalls: 'syscall', k8saudit: 'k8s_audit' }[source.value]
  if (same !== undefined)
    file.note(
      'differs',
      source,
      `source: ${source.value} is the same as ${same}, which is what Falco writes: a rule that never matched may match now`,
    )
}

/** The conditions that Falco Talon dropped without a word: those that it cut into more than two parts. */
function describeFields(file: EditableFile, item: unknown): void {
  if (!isText(item)) return
  const text = item.value
  const dropped = text
    .replaceAll('!=', '!')
    .split(',')
    .some((part) => part.split('=').length + part.split('!').length > 3)
  if (dropped)
    file.note(
      'differs',
      item,
      'output_fields: a value that holds = or ! is compared as a whole; Falco Talon leaves such a condition out, so that the rule matched more',
    )
  if (/"[^"]*,[^"]*"/.test(text))
    file.note(
      'differs',
      item,
      'output_fields: a comma between double quotes belongs to the value; Falco Talon cuts the condition in two there',
    )
}

function describeOverride(earlier: WrittenRule, later: WrittenRule): void {
  const at = (rule: WrittenRule) => rule.file.at(rule.node, 'match')
  for (const key of ['priority', 'source'])
    if (earlier.file.text(at(earlier), key) !== undefined && later.file.text(at(later), key) === undefined)
      later.file.note(
        'differs',
        later.node,
        `the ${key} that the earlier block of the rule '${later.name}' matches stays; a later block without one used to erase it`,
      )
}
