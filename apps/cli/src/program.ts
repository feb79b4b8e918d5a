import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import type { Issue } from '@talon/plugin'
import type { GlobalOptions, Surroundings } from './command.ts'
import { version } from './version.ts'

/** Exit status of wrong use, and of a server that cannot start with what it was given. */
const WRONG_USE = 2

type Action = (
  options: GlobalOptions & Record<string, unknown> & { readonly args: readonly string[] },
  surroundings: Surroundings,
) => Promise<number>

/**
 * Runs the command line and gives the exit status: 0 fine, 1 findings of `check`, 2 wrong use. Each command loads its
 * own code, so that none waits for what it does not use.
 */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  let status = 0
  const program = createProgram((load) => async (...given) => {
    const command = given.at(-1) as Command
    const action = await load()
    status = await action({ ...command.optsWithGlobals(), args: command.args }, surroundings)
  })
  try {
    await addCompletion(program, argv)
    await program.parseAsync([...argv])
    return status
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USE
    const issues = await issuesOf(error)
    const { issueText, paintFor } = await import('./issues/text.ts')
    for (const issue of issues) console.error(issueText(issue, paintFor(process.stderr)))
    return WRONG_USE
  }
}

/** What the user did wrong. @throws what is a mistake of ours */
async function issuesOf(error: unknown): Promise<readonly Issue[]> {
  const { TalonError } = await import('@talon/plugin')
  if (TalonError.is(error) && error.kind === 'config') return error.issues
  const { path, code, message } = error as NodeJS.ErrnoException
  if (!(error instanceof Error) || path === undefined || code === undefined) throw error
  const hint = 'name another place, or let this user read and write there'
  return [{ level: 'error', message: `${path} cannot be used: ${message}`, hint }]
}

/** Commander gives the arguments, the options, and last the command. */
type Act = (load: () => Promise<Action>) => (...given: unknown[]) => Promise<void>

function createProgram(act: Act): Command {
  const program = new Command('talon')
    .description('Answers the events that Falco detects in a Kubernetes cluster')
    .version(version(), '-V, --version', 'print the version')
    .option('-c, --config <file>', 'config file (default: /etc/falco-talon/config.yaml where there is one)')
    .option('-r, --rules <file>', 'rules file, may be repeated; wins over rules_files of the config file', append)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(files are named with -r <rules> and -c <config>; talon help says more)')
    .exitOverride()

  const format = (...choices: string[]) =>
    new Option('--format <format>', 'how to print').choices(choices).default(choices[0])
  const check = (command: Command, what: string) =>
    command
      .description(what)
      .addOption(format('text', 'json', 'github'))
      .option('--strict', 'take warnings for errors')
      .action(act(async () => (await import('./commands/check.ts')).check))

  program
    .command('server')
    .description('take events and act on them')
    .action(act(async () => (await import('./commands/server.ts')).server))
  program
    .command('health')
    .description('ask the server of this machine whether it is alive: status 0 or 1')
    .action(act(async () => (await import('./commands/health.ts')).health))
  check(program.command('check'), 'say what is wrong with the config file and the rules, without a cluster')

  const rules = program.command('rules').description('check or print rules')
  check(rules.command('check'), 'the same as talon check')
  rules
    .command('print')
    .description('print the rules as they are once files are merged and actions are resolved, in YAML')
    .action(act(async () => (await import('./commands/print.ts')).print))

  program
    .command('rbac')
    .description('print the least role that the rules and the config file need, without a cluster')
    .option('--name <name>', 'name of the role', 'talon')
    .option('--namespaced', 'print a Role; rules that need more than one namespace are refused')
    .option('--bind <account>', 'also print the binding to a service account: <namespace>/<name>')
    .addOption(format('yaml', 'json'))
    .action(act(async () => (await import('./commands/rbac.ts')).rbac))

  addJournal(program, act, format)
  addBeginnings(program, act)

  program
    .command('verify')
    .argument('<manifest>')
    .description('check artifacts against the manifest that lies beside them: present, whole, unchanged')
    .action(act(async () => (await import('./commands/verify.ts')).verify))

  for (const kind of ['actionner', 'output', 'notifier'] as const) {
    const command = program.command(`${kind}s`).description(`list the ${kind}s`)
    command
      .command('list')
      .description(`list the ${kind}s that are at hand, those of plugins too`)
      .addOption(format('table', 'json'))
      .action(act(async () => (await import('./commands/list.ts')).list(kind)))
    if (kind !== 'notifier') continue
    command
      .description('list or test the notifiers')
      .command('test')
      .argument('<notifier>')
      .description('send a report that says it is a test through a notifier, as the config file has it, once')
      .action(act(async () => (await import('./commands/notify.ts')).notify))
  }

  program
    .command('version')
    .description('print the versions of Talon and Node.js')
    .action(
      act(async () => async () => {
        console.log(`talon ${version()}\nnode ${process.version} ${process.platform} ${process.arch}`)
        return 0
      }),
    )
  return program
}

/** `talon journal`: what a server keeps, or kept. */
function addJournal(program: Command, act: Act, format: (...choices: string[]) => Option): void {
  const journal = program
    .command('journal')
    .description('look at the events that a server keeps, and begin again what failed')
    .option(
      '--server <url>',
      'a running server, with name and password where it asks for them (or TALON_TOKEN); without it the one of the config file, else the journal on this disk',
    )
  const load = (verb: 'list' | 'show' | 'retry' | 'drop') =>
    act(async () => (await import('./commands/journal.ts')).journal(verb))
  journal
    .command('list')
    .description('list events, newest first')
    .addOption(new Option('--state <state>', 'only these').choices(['unfinished', 'failed', 'done']))
    .option('--limit <count>', 'how many at most', countOf, 50)
    .addOption(format('table', 'json'))
    .action(load('list'))
  const about = (name: 'show' | 'retry' | 'drop', description: string) =>
    journal.command(name).argument('<id>').description(description).action(load(name))
  about('show', 'print an event, its plan and how far each step got, as JSON')
  about('retry', 'begin an event again that failed, after the steps that are done')
  about('drop', 'forget an event that is finished')
}

/** What comes before the first event. */
function addBeginnings(program: Command, act: Act): void {
  program
    .command('init')
    .argument('[folder]')
    .description('write a config file and rules to start from, all of them a dry run')
    .option('--force', 'overwrite what is there')
    .action(act(async () => (await import('./commands/init.ts')).init))
  program
    .command('migrate')
    .description('say what files of Falco Talon (-c, -r) mean here, and write clean ones')
    .option('--out <folder>', 'write them there; nothing is overwritten')
    .action(act(async () => (await import('./commands/migrate.ts')).migrate))
}

function countOf(written: string): number {
  const count = Number(written)
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('It is no whole number above 0.')
  return count
}

const append = (value: string, previous: string[] = []) => [...previous, value]

/** The completion's code is loaded where it is asked for; elsewhere its command is only listed. */
async function addCompletion(program: Command, argv: readonly string[]): Promise<void> {
  if (argv[2] === 'completion' || argv[2] === 'complete')
    return (await import('./completion.ts')).addCompletion(program, argv)
  program.command('completion').argument('<shell>').description('print the completion script of bash, zsh or fish')
}
