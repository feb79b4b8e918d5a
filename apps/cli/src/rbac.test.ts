import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { talon } from './talon.fixture.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'talon-rbac-'))
  writeFileSync(join(folder, 'config.yaml'), 'deduplication: { leader_election: false }\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** `talon rbac` for a file with these rules, without the Lease as a rule. */
function rbac(rules: string, ...args: string[]) {
  writeFileSync(join(folder, 'rules.yaml'), rules)
  const ran = talon(['rbac', '-r', 'rules.yaml', '-c', 'config.yaml', ...args], { cwd: folder })
  const manifests = () => parseAllDocuments(ran.stdout).map((one) => one.toJS() as Manifest)
  return { ...ran, manifests, role: () => manifests()[0]! }
}

interface Manifest {
  readonly kind: string
  readonly metadata: object
  readonly rules: object[]
}

const rule = (name: string, ...actions: string[]) =>
  `- rule: ${name}\n  actions:\n${actions.map((one, n) => `    - { action: ${n}, ${one} }\n`).join('')}`
const MILD = rule(
  'Mild',
  'actionner: "kubernetes:terminate"',
  'actionner: "kubernetes:exec", parameters: { command: ls }',
)
const NODE = rule('Mark', 'actionner: "kubernetes:label", parameters: { level: node, labels: { a: b } }')
const on = (resource: string, ...verbs: string[]) => ({ apiGroups: [''], resources: [resource], verbs })

describe('talon rbac', () => {
  it('prints the least ClusterRole, without a cluster', () => {
    const { status, stderr, manifests } = rbac(MILD)
    expect([status, stderr]).toEqual([0, ''])
    expect(manifests()).toEqual([
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'talon', labels: { 'app.kubernetes.io/name': 'talon' } },
        rules: [on('pods', 'delete', 'get'), on('pods/exec', 'create', 'get')],
      },
    ])
  })

  it('counts in what contexts need', () => {
    const rules = rule('R', 'actionner: "kubernetes:exec", parameters: { command: ls }, additional_contexts: [k8snode]')
    expect(rbac(rules).role().rules).toContainEqual(on('nodes', 'get'))
  })

  it('counts in the Lease, by its name, and Events of reloads, where a leader is elected', () => {
    writeFileSync(join(folder, 'elected.yaml'), 'deduplication: { lease: { name: mine } }\n')
    const lease = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] }
    expect(rbac(MILD, '-c', 'elected.yaml').role().rules.slice(-3)).toEqual([
      { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
      { ...lease, verbs: ['create'] },
      { ...lease, resourceNames: ['mine'], verbs: ['get', 'patch'] },
    ])
    writeFileSync(join(folder, 'told.yaml'), 'default_notifiers: [k8sevents]\n')
    const events = rbac(MILD, '-c', 'told.yaml')
      .role()
      .rules.filter((grant) => JSON.stringify(grant).includes('events.k8s.io'))
    expect(events).toEqual([{ apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'get', 'patch'] }])
  })

  it('prints a Role, and the binding to a service account, as YAML and as JSON', () => {
    const args = ['--namespaced', '--name', 'guard', '--bind', 'shop/talon']
    const { manifests } = rbac(MILD, ...args)
    expect(manifests()).toMatchObject([
      { kind: 'Role', metadata: { name: 'guard', namespace: 'shop' } },
      {
        kind: 'RoleBinding',
        metadata: { name: 'guard', namespace: 'shop' },
        roleRef: { kind: 'Role', name: 'guard' },
        subjects: [{ kind: 'ServiceAccount', name: 'talon', namespace: 'shop' }],
      },
    ])
    const json = JSON.parse(rbac(MILD, ...args, '--format', 'json').stdout) as object
    expect(json).toMatchObject({ kind: 'List', items: manifests() })
    expect(rbac(MILD, '--bind', 'shop/talon').manifests()).toMatchObject([
      { kind: 'ClusterRole' },
      { kind: 'ClusterRoleBinding', roleRef: { kind: 'ClusterRole', name: 'talon' } },
    ])
  })

  it.each([
    ['nodes', NODE, "rule 'Mark': a Role of one namespace cannot grant it get, patch nodes"],
    ['the pods of a node', rule('Empty it', 'actionner: "kubernetes:drain"'), "rule 'Empty it'"],
    [
      'the node of a pod',
      rule('Look', 'actionner: "kubernetes:terminate", additional_contexts: [k8snode]'),
      "rule 'Look': a Role of one namespace cannot grant it get nodes",
    ],
    [
      'kinds without a namespace',
      rule('Undo', 'actionner: "kubernetes:delete", parameters: { resources: [clusterroles, roles] }'),
      "rule 'Undo': a Role of one namespace cannot grant it delete, get clusterroles\n",
    ],
  ])('refuses to make a Role for rules about %s, and names the rule', (_, rules, said) => {
    const { status, stdout, stderr } = rbac(MILD + rules, '--namespaced')
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain(said)
    expect(stderr).not.toContain('Mild')
    expect(rbac(MILD + rules).status).toBe(0)
  })

  it('grants the kinds that `resources` lists, and warns of the wildcard without it', () => {
    const deletion = (parameters: string) => rule('Undo', `actionner: "kubernetes:delete", parameters: ${parameters}`)
    const listed = rbac(deletion('{ resources: [rolebindings.rbac.authorization.k8s.io] }'))
    expect(listed.stderr).toBe('')
    expect(listed.role().rules).toEqual([
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'], verbs: ['delete', 'get'] },
    ])
    const any = rbac(deletion('{}'))
    expect([any.status, any.stderr]).toEqual([
      0,
      expect.stringMatching(/warning: rule 'Undo': .*every kind[^]*resources/),
    ])
    expect(any.role().rules).toEqual([{ apiGroups: ['*'], resources: ['*'], verbs: ['delete', 'get'] }])
  })

  it('makes no role for rules that are wrong, nor for an account without its namespace', () => {
    const wrong = rbac(MILD.replace('terminate', 'terminat'))
    expect([wrong.status, wrong.stdout]).toEqual([2, ''])
    expect(wrong.stderr).toContain("did you mean 'kubernetes:terminate'?")
    const account = rbac(MILD, '--bind', 'talon')
    expect([account.status, account.stderr]).toEqual([2, expect.stringContaining('<namespace>/<serviceaccount>')])
  })
})
