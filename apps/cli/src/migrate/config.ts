import { readConfig, type Config, type Host } from '@talon/core'
import { isMap, type Node } from 'yaml'
import { isText, type EditableFile } from './document.ts'
import { settleIssues } from './unknown.ts'

/** Notifiers whose `url` had another name once. */
const RENAMED = ['loki', 'elasticsearch']

/** Cleans a config file of Falco Talon, and says what it means here. */
export function migrateConfig(file: EditableFile, host: Host): Config {
  const read = (source: EditableFile['unsettled']) => readConfig({ file: source, env: {}, definitions: host })
  settleIssues([file], ([source = file.unsettled]) => read(source).issues)
  const notifiers = file.at(file.root, 'notifiers')
  for (const name of RENAMED) renameUrl(file, file.at(notifiers, name), name)
  const { config } = read(file.unsettled)
  differences(file, config)
  return config
}

function renameUrl(file: EditableFile, settings: unknown, notifier: string): void {
  const old = file.pairOf(settings, 'host_port')
  if (!old || !isMap(settings) || !isText(old.pair.key)) return
  if (settings.has('url')) {
    file.note('removed', old.pair.key, `notifiers.${notifier}.host_port: url is there as well, and wins`)
    file.remove(old)
  } else {
    file.note('changed', old.pair.key, `notifiers.${notifier}.host_port is called url`)
    file.set(old.pair.key, () => 'url')
  }
}

/** What the same settings, or none, lead to here and not there. */
function differences(file: EditableFile, { deduplication }: Config): void {
  const { root } = file
  if (!file.at(root, 'print_all_events'))
    file.note(
      'differs',
      undefined,
      'print_all_events is missing: events that match no rule are logged here, and were not; set it to false',
    )
  if (deduplication.leader_election && deduplication.secret === undefined)
    file.note(
      'differs',
      file.pairOf(file.at(root, 'deduplication'), 'leader_election')?.pair.key as Node | undefined,
      'leader election needs deduplication.secret, the same in all pods, to hand events to the leader; without it each pod acts on its own, which is right for one pod alone',
    )
  if (!file.at(root, 'journal'))
    file.note(
      'differs',
      undefined,
      'accepted events are kept on disk, in /var/lib/talon in Kubernetes (journal.path): give the pod a volume there; journal.type: memory keeps none, as it was',
    )
  const timeout = file.pairOf(file.at(root, 'otel'), 'timeout')
  if (timeout)
    file.note(
      'differs',
      timeout.pair.key as Node,
      'otel.timeout never had an effect (it was always 10 s), and has one here',
    )
}
