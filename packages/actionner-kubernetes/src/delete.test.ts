import { pod, type KubeObject } from '@talon/sandbox'
import { falcoEvent } from '@talon/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBed, type Bed } from '../testing/bed.ts'
import { delete as deletion } from './delete.ts'

let bed: Bed
beforeEach(async () => {
  bed = await openBed()
  bed.sandbox.seed(
    object('v1', 'ConfigMap', 'keys'),
    object('rbac.authorization.k8s.io/v1', 'ClusterRole', 'admin', undefined),
  )
})
afterEach(() => bed.close())

function object(apiVersion: string, kind: string, name: string, namespace: string | undefined = 'default'): KubeObject {
  return { apiVersion, kind, metadata: { name, ...(kind !== 'ClusterRole' && { namespace }) } }
}
/** An event of the audit log, so many seconds from now. */
function audited(fields: Record<string, unknown>, seconds = 0) {
  const target = { 'ka.target.resource': 'configmaps', 'ka.target.name': 'keys', 'ka.target.namespace': 'default' }
  return {
    event: falcoEvent({
      source: 'k8s_audit',
      time: new Date(Date.now() + seconds * 1000).toISOString(),
      fields: { ...target, 'ka.verb': 'create', 'ka.uri': '/api/v1/namespaces/default/configmaps', ...fields },
    }),
  }
}
const configMap = () => bed.sandbox.find('configmaps', 'default', 'keys')
const ignoredWith = (reason: string) => ({ status: 'ignored', message: expect.stringContaining(reason) as string })
const failedWith = (reason: string) => ({ status: 'failure', message: expect.stringContaining(reason) as string })

describe('kubernetes:delete', () => {
  it('deletes what was created, of any kind', async () => {
    expect(await bed.run(deletion, {}, audited({}))).toMatchObject({
      status: 'success',
      message: "configmaps 'keys' in namespace 'default' was deleted",
      objects: { resource: 'configmaps', name: 'keys', namespace: 'default' },
    })
    expect(configMap()).toBeUndefined()
  })

  it('takes the group from the URI, and no namespace where the kind has none', async () => {
    const fields = {
      'ka.target.resource': 'clusterroles',
      'ka.target.name': 'admin',
      'ka.target.namespace': null,
      'ka.uri': '/apis/rbac.authorization.k8s.io/v1/clusterroles/admin?dryRun=no',
      'ka.verb': 'patch',
    }
    expect(await bed.run(deletion, { propagation: 'foreground' }, audited(fields))).toMatchObject({
      status: 'success',
      objects: { resource: 'clusterroles.rbac.authorization.k8s.io', name: 'admin' },
    })
    expect(bed.sandbox.find('clusterroles', undefined, 'admin')).toBeUndefined()
  })

  it('finds the kind without a URI, and fails where several groups have one of that name', async () => {
    expect(await bed.run(deletion, {}, audited({ 'ka.uri': null }))).toMatchObject({ status: 'success' })
    const events = { 'ka.uri': null, 'ka.target.resource': 'events', 'ka.target.name': 'x' }
    expect(await bed.run(deletion, {}, audited(events))).toMatchObject(
      failedWith("several groups have a kind 'events'"),
    )
  })

  it.each([
    ['was refused', { 'ka.response.code': 403 }, 0],
    ['was refused', { 'ka.response.code': '409' }, 0],
    ['before the request', {}, 60],
    ['after the event', {}, -60],
    ['after the event', { 'ka.verb': 'get' }, -60],
    ['it is gone already, or never was', { 'ka.target.name': 'other' }, 0],
  ])('ignores what is not what the event tells of: %s', async (reason, fields, seconds) => {
    expect(await bed.run(deletion, {}, audited(fields, seconds))).toMatchObject(ignoredWith(reason))
    expect(bed.writes()).toEqual([])
  })

  it('deletes an older object where the request did not create it', async () => {
    expect(await bed.run(deletion, {}, audited({ 'ka.verb': 'get' }, 3600))).toMatchObject({ status: 'success' })
    bed.sandbox.seed(pod({ name: 'web-0' }))
    const exec = {
      'ka.target.resource': 'pods',
      'ka.target.name': 'web-0',
      'ka.uri': '/api/v1/namespaces/default/pods/web-0/exec?command=sh',
    }
    expect(await bed.run(deletion, {}, audited(exec, 3600))).toMatchObject({ status: 'success' })
  })

  it('deletes no kind but those listed', async () => {
    expect(await bed.run(deletion, { resources: ['secrets'] }, audited({}))).toMatchObject(
      ignoredWith('none of the kinds'),
    )
    expect(await bed.run(deletion, { resources: ['configmaps'] }, audited({}))).toMatchObject({ status: 'success' })
  })

  it.each([
    ["knows no kind 'nonsense'", { 'ka.target.resource': 'nonsense' }],
    ["knows no kind 'configmaps.example.com'", { 'ka.uri': '/apis/example.com/v1/namespaces/default/configmaps' }],
    ['lacks ka.target.namespace', { 'ka.target.namespace': null }],
    ['ka.target.name', { 'ka.target.name': 'a/../b' }],
  ])('fails where there is no such thing: %s', async (reason, fields) => {
    expect(await bed.run(deletion, {}, audited(fields))).toMatchObject(failedWith(reason))
    expect(configMap()).toBeDefined()
  })

  it('deletes nothing in a dry run', async () => {
    expect(await bed.run(deletion, {}, { ...audited({}), dryRun: true })).toMatchObject({ status: 'success' })
    expect(configMap()).toBeDefined()
  })
})
