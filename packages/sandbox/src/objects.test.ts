import {
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  PatchStrategy,
  setHeaderOptions,
  type KubernetesObject,
} from '@kubernetes/client-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refused } from '../testing/refused.ts'
import { pod, POLICY_KINDS, startSandbox, type Sandbox } from './index.ts'

let sandbox: Sandbox
let core: CoreV1Api
let config: KubeConfig

beforeEach(async () => {
  sandbox = await startSandbox({ kinds: POLICY_KINDS, replaceDelay: 5, endDelay: 5 })
  config = new KubeConfig()
  config.loadFromString(sandbox.kubeconfig)
  core = config.makeApiClient(CoreV1Api)
})
afterEach(() => sandbox.close())

const default0 = { namespace: 'default', name: 'web-0' }

describe('objects', () => {
  it('are created, read, listed by labels and fields, and deleted', async () => {
    const body = {
      metadata: { generateName: 'web-', labels: { app: 'web' } },
      spec: { nodeName: 'node-1', containers: [{ name: 'a', image: 'x' }] },
    }
    const { metadata, status } = await core.createNamespacedPod({ namespace: 'default', body })
    expect(metadata).toMatchObject({
      name: expect.stringMatching(/^web-.{5}$/),
      uid: expect.stringMatching(/-/),
      resourceVersion: expect.stringMatching(/^\d+$/),
    })
    expect(status).toMatchObject({
      phase: 'Running',
      containerStatuses: [
        { name: 'a', ready: true, containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/) },
      ],
    })
    const count = async (query: object) =>
      (await core.listNamespacedPod({ namespace: 'default', ...query })).items.length
    expect([
      await count({ labelSelector: 'app in (web,db)' }),
      await count({ labelSelector: 'app!=web' }),
      await count({ fieldSelector: 'spec.nodeName=node-1' }),
    ]).toEqual([1, 0, 1])
    await core.deleteNamespacedPod({ namespace: 'default', name: metadata?.name ?? '', gracePeriodSeconds: 0 })
    expect(await count({})).toBe(0)
  })

  it('are refused in the words of the API server', async () => {
    sandbox.seed(pod({ name: 'web-0' }))
    const replace = (resourceVersion: string) =>
      core.replaceNamespacedPod({
        ...default0,
        body: { metadata: { name: 'web-0', resourceVersion }, spec: { containers: [] } },
      })
    const create = (metadata: object) =>
      core.createNamespacedPod({
        namespace: 'default',
        body: { metadata, spec: { containers: [{ name: 'a', image: 'x' }] } },
      })
    const refusals = await Promise.all([
      refused(core.readNamespacedPod({ namespace: 'default', name: 'none' })),
      refused(create({ name: 'web-0' })),
      refused(replace('1')),
      refused(create({ name: 'Web_0' })),
      refused(create({ name: 'ok', labels: { a: 'no good' } })),
      refused(core.createNamespacedPod({ namespace: 'nowhere', body: { metadata: { name: 'x' } } })),
    ])
    expect(refusals).toEqual([
      '404 NotFound pods "none" not found',
      '409 AlreadyExists pods "web-0" already exists',
      '409 Conflict Operation cannot be fulfilled on pods "web-0": the object has been modified; please apply your changes to the latest version and try again',
      expect.stringMatching(
        /^422 Invalid Pod "Web_0" is invalid: metadata\.name: Invalid value: "Web_0": a lowercase RFC 1123/,
      ),
      expect.stringMatching(
        /^422 Invalid Pod "ok" is invalid: metadata\.labels: Invalid value: "no good": a valid label must/,
      ),
      '404 NotFound namespaces "nowhere" not found',
    ])
  })

  it.each([
    [PatchStrategy.JsonPatch, [{ op: 'add', path: '/metadata/labels/b', value: '2' }], { a: '1', b: '2' }],
    [PatchStrategy.MergePatch, { metadata: { labels: { a: null, b: '2' } } }, { b: '2' }],
    [PatchStrategy.StrategicMergePatch, { metadata: { labels: { b: '2' } } }, { a: '1', b: '2' }],
    [
      PatchStrategy.ServerSideApply,
      { apiVersion: 'v1', kind: 'Pod', metadata: { labels: { b: '2' } } },
      { a: '1', b: '2' },
    ],
  ])('are patched as %s', async (strategy, body, wanted) => {
    sandbox.seed(pod({ name: 'web-0', labels: { a: '1' } }))
    const patched = await core.patchNamespacedPod(
      { ...default0, body, fieldManager: 'test' },
      setHeaderOptions('Content-Type', strategy),
    )
    expect(patched.metadata?.labels).toEqual(wanted)
  })

  it('that another manager applied are a conflict, unless forced', async () => {
    const apply = (manager: string, value: string, force = false) =>
      KubernetesObjectApi.makeApiClient(config).patch(
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'c', namespace: 'default' },
          data: { k: value },
        } as never,
        undefined,
        undefined,
        manager,
        force,
        PatchStrategy.ServerSideApply,
      )
    await apply('one', '1')
    expect(await refused(apply('two', '2'))).toBe(
      '409 Conflict Apply failed with 1 conflict: conflict with "one": .data.k',
    )
    expect(await apply('two', '2', true)).toMatchObject({ data: { k: '2' } })
  })

  it('change nothing in a dry run', async () => {
    sandbox.seed(pod({ name: 'web-0' }))
    await core.patchNamespacedPod(
      { ...default0, dryRun: 'All', body: { metadata: { labels: { b: '2' } } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    )
    await core.deleteNamespacedPod({ ...default0, dryRun: 'All', gracePeriodSeconds: 0 })
    expect((await core.readNamespacedPod(default0)).metadata?.labels).toEqual({})
  })

  it('are watched from a version on', async () => {
    const { metadata } = await core.listNamespacedPod({ namespace: 'default' })
    const response = await fetch(`${sandbox.url}/api/v1/pods?watch=true&resourceVersion=${metadata?.resourceVersion}`)
    sandbox.seed(pod({ name: 'web-0' }))
    const { value } = await response.body!.getReader().read()
    expect(JSON.parse(new TextDecoder().decode(value))).toMatchObject({
      type: 'ADDED',
      object: { metadata: { name: 'web-0' } },
    })
    const old = await (await fetch(`${sandbox.url}/api/v1/pods?watch=true&resourceVersion=1`)).text()
    expect(JSON.parse(old)).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })
  })

  it('of a kind that a CRD defines are served from then on', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config)
    await objects.create({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'things.example.test' },
      spec: {
        group: 'example.test',
        names: { plural: 'things', kind: 'Thing' },
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true }],
      },
    } as never)
    const made: KubernetesObject = await objects.create({
      apiVersion: 'example.test/v1',
      kind: 'Thing',
      metadata: { name: 't', namespace: 'default' },
    })
    expect(made.metadata?.uid).toMatch(/-/)
  })
})

it('a fault that is ordered comes as often as it was ordered', async () => {
  sandbox.seed(pod({ name: 'web-0' }))
  sandbox.fail({ path: /web-0/, status: 429, retryAfter: 2 })
  const path = `${sandbox.url}/api/v1/namespaces/default/pods/web-0`
  const first = await fetch(path)
  expect([first.status, first.headers.get('retry-after'), (await fetch(path)).status]).toEqual([429, '2', 200])
  expect(sandbox.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(
    Array(2).fill('GET /api/v1/namespaces/default/pods/web-0'),
  )
})
