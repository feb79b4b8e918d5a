// Addresses and files of a cluster. Each cluster has a network and file systems of its own, so both may be fixed.
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Everything of a cluster lies here, on a tmpfs that only its own mount namespace has. */
export const home = '/run/talon-cluster'
export const cniFolder = '/usr/lib/cni'
export const containerdSocket = `${home}/containerd.sock`
/** Name of the real node: pods with this `spec.nodeName` are run, pods on kwok's nodes are only said to run. */
export const realNode = 'node-1'
/** From TEST-NET-2: kubelet and API server refuse loopback addresses for themselves, though this one is on `lo`. */
export const nodeAddress = '198.51.100.1'
/** The Service `kubernetes`. On `lo` too, so that a pod reaches the API server as in any cluster, without a kube-proxy. */
export const serviceAddress = '10.0.0.1'
export const apiPort = 443
export const etcdUrl = 'http://127.0.0.1:2379'
export const token = 'admin-token'

/** A kubeconfig of the cluster's admin, for an API server that is seen at a port of 127.0.0.1. */
export const kubeconfig = (port: number, certificate: string) =>
  JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'talon-test',
          cluster: {
            server: `https://127.0.0.1:${port}`,
            'certificate-authority-data': Buffer.from(certificate).toString('base64'),
          },
        },
      ],
      users: [{ name: 'admin', user: { token } }],
      contexts: [{ name: 'talon-test', context: { cluster: 'talon-test', user: 'admin' } }],
      'current-context': 'talon-test',
    },
    undefined,
    2,
  )

const containerd = `version = 2
root = "${home}/containerd/root"
state = "${home}/containerd/state"
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${home}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  # Without CAP_SYS_RESOURCE no score can be lowered, and runc fails with "can't get final child's PID from pipe".
  restrict_oom_score_adj = true
  # A profile would be loaded into the kernel and stay there.
  disable_apparmor = true
  sandbox_image = "talon.test/pause:1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniFolder}"
    conf_dir = "${home}/cni"
`

const network = {
  cniVersion: '0.4.0',
  name: 'talon',
  plugins: [
    {
      type: 'bridge',
      bridge: 'talon0',
      isDefaultGateway: true,
      hairpinMode: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.88.0.0/16' }]] },
    },
  ],
}

const kubelet = (cgroup: string) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: nodeAddress,
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: 'AlwaysAllow' },
  containerRuntimeEndpoint: `unix://${containerdSocket}`,
  podLogsDir: `${home}/pods`,
  // The cgroups of all pods lie below one name, by which they are removed when the cluster is gone.
  cgroupRoot: `/${cgroup}`,
  cgroupDriver: 'cgroupfs',
  failCgroupV1: false,
  enforceNodeAllocatable: [],
  failSwapOn: false,
  localStorageCapacityIsolation: false,
  evictionHard: { 'imagefs.available': '0%' },
  imageGCHighThresholdPercent: 100,
})

/** Writes what the components read at their start, the certificate aside. */
export async function writeConfigs(cgroup: string): Promise<void> {
  await mkdir(join(home, 'cni'), { recursive: true })
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' })
  await Promise.all([
    writeFile(join(home, 'service-accounts.key'), key),
    writeFile(join(home, 'tokens.csv'), `${token},admin,admin,system:masters\n`),
    writeFile(join(home, 'containerd.toml'), containerd),
    writeFile(join(home, 'cni', 'talon.conflist'), JSON.stringify(network)),
    writeFile(join(home, 'kubelet.json'), JSON.stringify(kubelet(cgroup))),
  ])
}
