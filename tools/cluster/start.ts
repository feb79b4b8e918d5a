// Starts the cluster's components in the right order, as much as possible side by side. Runs inside the namespaces.
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { callApi } from './api.ts'
import { binary } from './binaries.ts'
import { type Component, startComponent, until } from './components.ts'
import { apiPort, home, kubeconfig, serviceAddress, writeConfigs } from './configs.ts'
import { prepareGround } from './ground.ts'
import { buildImages, importImages } from './images.ts'
import { createFakeNodes, realNodeReady } from './nodes.ts'

/** Makes the API server's certificate, which is its own authority, and returns it. */
async function certify(): Promise<string> {
  const [key, certificate] = [join(home, 'tls.key'), join(home, 'tls.crt')]
  const names = `subjectAltName=IP:127.0.0.1,IP:${serviceAddress},DNS:localhost,DNS:kubernetes.default.svc`
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', '3650'],
    ...['-subj', '/CN=talon-test', '-addext', names, '-keyout', key, '-out', certificate],
  ])
  return readFile(certificate, 'utf8')
}

/** Ready when it resolves: the API server answers, `node-1` takes pods, kwok's nodes are there. Resolves with the certificate. */
export async function startCluster(cgroup: string, kwokNodes: number, died: (error: Error) => void): Promise<string> {
  const start = async (component: Component) =>
    startComponent(component, component === 'containerd' ? component : await binary(component), died)

  await prepareGround(cgroup)
  const [certificate] = await Promise.all([certify(), writeConfigs(cgroup), start('etcd')])
  await writeFile(join(home, 'kubeconfig'), kubeconfig(apiPort, certificate))

  const controlPlane = async () => {
    await start('kube-apiserver')
    await until(() => callApi(certificate, 'GET', '/readyz'), 'kube-apiserver', 'does not become ready')
    await start('kube-controller-manager')
  }
  const runtime = async () => {
    await start('containerd')
    const archive = await buildImages()
    await until(() => importImages(archive), 'containerd', 'does not take the test images')
  }
  await Promise.all([controlPlane(), runtime()])
  await Promise.all([start('kubelet'), kwokNodes > 0 ? start('kwok') : undefined])
  await createFakeNodes(certificate, kwokNodes)
  await until(() => realNodeReady(certificate), 'kubelet', 'does not become ready')
  return certificate
}
