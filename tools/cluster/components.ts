// The cluster's processes, and what each is told.
import { spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { apiPort, etcdUrl, home, nodeAddress, realNode } from './configs.ts'

const at = (name: string) => join(home, name)

const etcd = [
  `--data-dir=${at('etcd')}`,
  `--listen-client-urls=${etcdUrl}`,
  `--advertise-client-urls=${etcdUrl}`,
  '--listen-peer-urls=http://127.0.0.1:2380',
  '--unsafe-no-fsync',
]

const apiserver = [
  `--etcd-servers=${etcdUrl}`,
  '--bind-address=0.0.0.0',
  `--advertise-address=${nodeAddress}`,
  `--secure-port=${apiPort}`,
  `--tls-cert-file=${at('tls.crt')}`,
  `--tls-private-key-file=${at('tls.key')}`,
  `--token-auth-file=${at('tokens.csv')}`,
  '--authorization-mode=RBAC',
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-account-key-file=${at('service-accounts.key')}`,
  `--service-account-signing-key-file=${at('service-accounts.key')}`,
  '--service-cluster-ip-range=10.0.0.0/24',
  // A pod may be created the moment its namespace is, before the namespace's service account is there.
  '--disable-admission-plugins=ServiceAccount',
  '--kubelet-preferred-address-types=InternalIP',
]

const controllers = [
  `--kubeconfig=${at('kubeconfig')}`,
  '--leader-elect=false',
  '--secure-port=0',
  // kwok's nodes send no heartbeat: nobody may take them for dead.
  '--controllers=*,-nodelifecycle',
  `--service-account-private-key-file=${at('service-accounts.key')}`,
  `--root-ca-file=${at('tls.crt')}`,
]

const kubelet = [
  `--config=${at('kubelet.json')}`,
  `--kubeconfig=${at('kubeconfig')}`,
  `--hostname-override=${realNode}`,
  `--node-ip=${nodeAddress}`,
]

const kwok = [
  `--kubeconfig=${at('kubeconfig')}`,
  `--config=${join(import.meta.dirname, 'kwok-stages.yaml')}`,
  '--manage-nodes-with-label-selector=type=kwok',
  '--cidr=10.89.0.0/16',
  '--node-lease-duration-seconds=0',
]

const args = {
  etcd,
  containerd: [`--config=${at('containerd.toml')}`],
  'kube-apiserver': apiserver,
  'kube-controller-manager': controllers,
  kubelet,
  kwok,
}

export type Component = keyof typeof args

const logOf = (component: Component) => at(`logs/${component}.log`)

/** An error of a component, with the last words of its log. */
export async function failure(component: Component, what: string): Promise<Error> {
  const log = await readFile(logOf(component), 'utf8').catch(() => '')
  const tail = log
    .trimEnd()
    .split('\n')
    .slice(-25)
    .map((line) => `  ${line}`)
  return new Error(`${component} ${what}; the end of its log:\n${tail.join('\n')}`)
}

/** Starts a component. `died` is told when it ends, which none does on its own. */
export async function startComponent(
  component: Component,
  program: string,
  died: (error: Error) => void,
): Promise<void> {
  const log = await open(logOf(component), 'a')
  // Detached, so that a Ctrl-C, which goes to all processes of a terminal's group, does not end it.
  spawn(program, args[component], { stdio: ['ignore', log.fd, log.fd], detached: true })
    .on('error', (error) => died(new Error(`${component} cannot be run: ${error.message}`)))
    .on('exit', (code, signal) => {
      void failure(component, `ended with ${signal ?? code}`).then(died)
    })
  await log.close()
}

/** Tries until it succeeds; after a minute it is the component's fault. */
export async function until(attempt: () => Promise<unknown>, component: Component, what: string): Promise<void> {
  const end = Date.now() + 60_000
  for (;;) {
    try {
      await attempt()
      return
    } catch (error) {
      if (Date.now() > end)
        throw await failure(component, `${what}: ${error instanceof Error ? error.message : String(error)}`)
      await sleep(50)
    }
  }
}
