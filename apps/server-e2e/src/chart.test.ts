import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventsV1Api, KubeConfig, type KubernetesObject } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kubeconfigOf, mayDo } from './account.ts'
import { OWN_ROLE, OWN_RULES, VALUE_SETS } from './chart-values.ts'
import { openCluster, real, until, type Cluster } from './cluster.ts'
import { monitoring } from './crds.ts'
import { falcoEvent } from './events.ts'
import { CHART, openHelm, RELEASE, type Helm } from './helm.ts'
import { startMounted, statefulSetOf } from './mounted.ts'
import { serverSide } from './server-side.ts'

const found = await openHelm('the chart')
const helm = found as Helm
const sets = Object.entries(VALUE_SETS)
const named = (manifests: readonly KubernetesObject[], kind: string) => manifests.filter((one) => one.kind === kind)

describe.runIf(found)('the chart', () => {
  it.each(sets)('passes the lint of Helm: %s', (_, values) => {
    const { status, output } = helm.run(['lint', '--strict', CHART], values)
    expect([status, output]).toEqual([0, expect.stringContaining('0 chart(s) failed')])
  })

  it.each([
    ['a value', { replcas: 3 }, "'replcas'"],
    ['a part of a value', { persistence: { sise: '1Gi' } }, "'sise'"],
    ['a setting', { config: { deduplication: { time_window: 5 } } }, "'time_window'"],
    ['a setting of a notifier', { config: { notifiers: { slack: { fromat: 'short' } } } }, "'fromat'"],
    ['a right', { auth: { clients: [{ name: 'a', roles: ['raed'] }] } }, '/auth/clients/0/roles'],
    ['a secret', { secrets: { 'notifiers.slack.webhook': { name: 'a', key: 'b' } } }, "'notifiers.slack.webhook'"],
    ['the type of a setting', { config: { log_format: 'xml' } }, '/config/log_format'],
    ['what the pods are made by', { config: { listen_port: null } }, 'config.listen_port is null'],
    ['a setting in the wrong place', { extraConfig: { listen_port: 99 } }, '/extraConfig/listen_port'],
    ['a name that fits in no URL', { auth: { sender: 'fal:co' } }, '/auth/sender'],
    ['an account', { serviceAccount: { create: false } }, 'by serviceAccount.name'],
    ['a tag', { image: { tag: 'a b' } }, '/image/tag'],
  ])('refuses what is misspelt: %s', (_, values, said) => {
    expect(helm.run(['template', RELEASE, CHART], values)).toMatchObject({ output: expect.stringContaining(said) })
  })

  it('takes no secret as text', () => {
    const config = { notifiers: { slack: { webhook_url: 'https://hooks.example.com/T/B/x' } } }
    expect(() => helm.render('talon', { config })).toThrow("'webhook_url' not allowed")
    const auth = { clients: [{ name: 'operator', token: 'abc' }] }
    expect(() => helm.render('talon', { auth })).toThrow('/auth/clients/0/token')
    expect(() => helm.render('talon', { extraConfig: config })).toThrow('/extraConfig/notifiers/slack')
  })

  it('refuses rules without the role that they need, and says how to come by it', () => {
    for (const rules of [{ inline: OWN_RULES }, { configMaps: [{ name: 'a', keys: ['b'] }] }])
      expect(() => helm.render('talon', { rules })).toThrow('talon rbac -c config.yaml -r rules.yaml > role.yaml')
    expect(() => helm.render('talon', { rules: { inline: OWN_RULES }, rbac: { role: 'kind: Secret' } })).toThrow(
      'no role',
    )
    expect(() => helm.render('talon', { rules: { starter: false } })).toThrow('there are no rules')
  })

  it('writes no secret into a ConfigMap or a pod', () => {
    const manifests = helm.render('talon')
    const [secret] = named(manifests, 'Secret') as (KubernetesObject & { data: Record<string, string> })[]
    const values = Object.values(secret?.data ?? {}).flatMap((coded) => [
      coded,
      Buffer.from(coded, 'base64').toString(),
    ])
    expect(new Set(values).size).toBe(8)
    const others = JSON.stringify(manifests.filter((one) => one !== secret))
    expect(values.filter((value) => others.includes(value))).toEqual([])
  })

  it('takes the secret of the servers from elsewhere', () => {
    const secrets = { 'deduplication.secret': { name: 'vault', key: 'shared' } }
    const volumes = statefulSetOf(helm.render('talon', { secrets })).spec?.template.spec?.volumes ?? []
    const items = [{ key: 'shared', path: 'deduplication.secret' }]
    expect(volumes.flatMap(({ projected }) => projected?.sources ?? [])).toContainEqual({
      secret: { name: 'vault', items },
    })
  })

  it('gives each release a Lease of its own, and the right to that one', () => {
    const leaseOf = (values: object) => {
      const manifests = helm.render('talon', values)
      const [config] = named(manifests, 'ConfigMap') as (KubernetesObject & { data: Record<string, string> })[]
      const [role] = named(manifests, 'Role') as (KubernetesObject & { rules: { resourceNames?: string[] }[] })[]
      const set = /^ {2}lease:\n {4}name: (.*)$/m.exec(config?.data['config.yaml'] ?? '')?.[1]
      return [set, role?.rules.flatMap(({ resourceNames }) => resourceNames ?? [])]
    }
    expect(leaseOf({})).toEqual(['talon', ['talon']])
    expect(leaseOf({ fullnameOverride: 'guard' })).toEqual(['guard', ['guard']])
    expect(leaseOf({ config: { deduplication: { lease: { name: 'mine' } } } })).toEqual(['mine', ['mine']])
  })

  it('gives rules as they are written, and reads them in the order of the values', () => {
    const manifests = helm.render('talon', VALUE_SETS['rules and a role of its own'])
    const [config] = named(manifests, 'ConfigMap') as (KubernetesObject & { data: Record<string, string> })[]
    expect(config?.data['rules.yaml']).toBe(OWN_RULES)
    const files = ['starter.yaml', 'team-rules_web.yaml', 'team-rules_db.yaml', 'rules.yaml'].map(
      (name) => `- /etc/falco-talon/${name}`,
    )
    expect(config?.data['config.yaml']).toContain(`rules_files:\n${files.join('\n')}\n`)
  })

  it('waits longer for the end of a pod than the server takes to end', () => {
    const graceOf = (values: object) =>
      statefulSetOf(helm.render('talon', values)).spec?.template.spec?.terminationGracePeriodSeconds
    expect([20, 0, 90.5].map((shutdown_timeout) => graceOf({ config: { shutdown_timeout } }))).toEqual([35, 15, 106])
  })

  it('restarts no pod for changed rules, and all of them for changed settings', () => {
    const podOf = (values: object) =>
      JSON.stringify(statefulSetOf(helm.render('talon', { rbac: { role: OWN_ROLE }, ...values })).spec?.template)
    const before = podOf({ rules: { inline: OWN_RULES } })
    const rules = [{ inline: OWN_RULES.replace('once', 'twice') }, {}, { starter: false, inline: OWN_RULES }]
    for (const changed of rules) expect(podOf({ rules: changed })).toBe(before)
    expect(podOf({ rules: { inline: OWN_RULES }, config: { retries: 5 } })).not.toBe(before)
  })

  it('warns of what goes with a pod that has no volume of its own', () => {
    const notes = (values: object) =>
      helm.run(['install', RELEASE, CHART, '--dry-run=client', '-n', 'talon'], values).output
    expect(notes({ persistence: { enabled: false } })).toMatch(/WARNING: persistence.enabled is false/)
    expect(notes({})).not.toContain('WARNING')
  })
})

describe.runIf(found)('a server that runs as the chart says', { timeout: 240_000 }, () => {
  let cluster: Cluster
  let namespace: string
  let events: EventsV1Api
  beforeAll(async () => {
    cluster = await openCluster()
    namespace = await cluster.newNamespace()
    const config = new KubeConfig()
    config.loadFromFile(cluster.kubeconfig)
    events = config.makeApiClient(EventsV1Api)
  }, 240_000)
  afterAll(() => cluster.close(), 240_000)

  it('lets in who has the secrets, and takes a changed rule from the ConfigMap without a restart', async () => {
    const render = (value: string) =>
      helm.render(namespace, {
        rules: { starter: false, inline: OWN_RULES.replace('{{ once }}', value) },
        rbac: { role: OWN_ROLE },
      })
    const server = await startMounted({ manifests: render('first'), kubeconfig: cluster.kubeconfig, namespace })
    const seen = (pod: string, value: string) =>
      until(async () => {
        const { metadata } = await cluster.core.readNamespacedPod({ namespace, name: pod })
        return metadata?.labels?.['seen'] === value || undefined
      }, `${pod} is labelled ${value}:\n${server.output()}`)
    const shellIn = (pod: string) =>
      server.post(falcoEvent('Terminal shell in container', { 'k8s.ns.name': namespace, 'k8s.pod.name': pod }))
    try {
      const tokens = ['wrong', server.secret('auth.scraper'), server.secret('auth.sender')]
      const answers = await Promise.all(
        tokens.map((token) => fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })),
      )
      expect(answers.map(({ status }) => status)).toEqual([401, 200, 401])
      expect((await fetch(server.url, { method: 'POST', body: '{}' })).status).toBe(401)

      await cluster.runPod(namespace, 'before')
      expect((await shellIn('before')).status).toBe(202)
      await seen('before', 'first')
      // As `kubectl exec` runs it: the pod's own config file, and no token.
      expect(server.run('journal', 'list')).toMatchObject({ status: 0, stdout: expect.stringContaining(' done ') })
      expect(server.run('journal', 'retry', 'x')).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('no failed'),
      })
      server.remount(render('second'))
      await until(() => server.output().includes('the rules were reloaded') || undefined, 'the rules were reloaded')
      await until(async () => {
        const { items } = await events.listNamespacedEvent({ namespace })
        return items.find(({ reason, regarding }) => reason === 'RulesReloaded' && regarding?.name === 'talon-0')
      }, 'the pod has an Event that says so')
      await cluster.runPod(namespace, 'after')
      await shellIn('after')
      await seen('after', 'second')
    } finally {
      expect(await server.stop()).toBe(0)
    }
  })
})

/** Namespaces refuse pods that are not restricted, and say so of whatever makes pods. */
async function restrictedNamespace(cluster: Cluster): Promise<string> {
  const name = await cluster.newNamespace()
  const body = await cluster.core.readNamespace({ name })
  const modes = ['enforce', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted'])
  body.metadata = Object.assign(body.metadata ?? {}, { labels: Object.fromEntries(modes) as Record<string, string> })
  await cluster.core.replaceNamespace({ name, body })
  return name
}

describe.runIf(found && real)('a real API server', { timeout: 240_000 }, () => {
  let cluster: Cluster
  let namespace: string
  let create: ReturnType<typeof serverSide>
  beforeAll(async () => {
    cluster = await openCluster()
    namespace = await restrictedNamespace(cluster)
    create = serverSide(cluster.kubeconfig)
    for (const definition of monitoring) {
      await cluster.objects.create(definition)
      const group = `/apis/${definition.spec.group}/${definition.spec.versions[0]?.name}`
      await until(async () => {
        const verdict = await create({
          apiVersion: group.slice('/apis/'.length),
          kind: definition.spec.names.kind,
          metadata: { name: 'probe', namespace },
        })
        return verdict.error.includes('has no') || verdict.error.includes('not found') ? undefined : true
      }, `${definition.metadata.name} is served`)
    }
  }, 240_000)
  afterAll(async () => {
    for (const definition of monitoring) await cluster.objects.delete(definition)
    await cluster.close()
  }, 240_000)

  /** What the StatefulSet would make. */
  const podOf = (manifests: readonly KubernetesObject[]): KubernetesObject => {
    const { template, volumeClaimTemplates = [] } = statefulSetOf(manifests).spec ?? {}
    const { metadata, spec } = structuredClone(template) ?? {}
    for (const claim of volumeClaimTemplates)
      spec?.volumes?.push({
        name: claim.metadata?.name ?? '',
        persistentVolumeClaim: { claimName: 'claim' },
      })
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: Object.assign(metadata ?? {}, { name: 'probe', namespace }),
      spec,
    } as KubernetesObject
  }

  it.each(sets)('takes every object without a warning, its pods as restricted ones: %s', async (_, values) => {
    const manifests = helm.render(namespace, values)
    for (const object of [...manifests, podOf(manifests)]) {
      const { error, warnings } = await create(object)
      expect([object.kind, object.metadata?.name, error, warnings]).toEqual([
        object.kind,
        object.metadata?.name,
        '',
        [],
      ])
    }
  })

  it('would tell of a pod that is not restricted', async () => {
    const manifests = helm.render(namespace, { securityContext: { allowPrivilegeEscalation: true } })
    expect((await create(podOf(manifests))).error).toContain('violates PodSecurity "restricted:latest"')
    const [warning] = (await create(statefulSetOf(manifests))).warnings
    expect(warning).toContain('would violate PodSecurity')
  })

  describe('with the chart installed', () => {
    let own: string
    let installed: ReturnType<Helm['run']>
    const at = () => ['-n', own, '--kubeconfig', cluster.kubeconfig]
    const namesOf = (items: readonly KubernetesObject[]) => items.map(({ metadata }) => metadata?.name ?? '').toSorted()
    const secretOf = async () => (await cluster.core.readNamespacedSecret({ name: RELEASE, namespace: own })).data
    beforeAll(async () => {
      own = await restrictedNamespace(cluster)
      installed = helm.run(['install', RELEASE, CHART, ...at()])
    }, 240_000)
    afterAll(() => {
      helm.run(['uninstall', RELEASE, ...at()])
    }, 240_000)

    it('makes two pods, a claim for each, without a warning', async () => {
      expect(installed).toEqual({ status: 0, output: expect.not.stringMatching(/warn/i) })
      const names = await until(async () => {
        const { items } = await cluster.core.listNamespacedPod({ namespace: own })
        return items.length === 2 ? namesOf(items) : undefined
      }, 'there are two pods')
      const { items } = await cluster.core.listNamespacedPersistentVolumeClaim({ namespace: own })
      expect([names, namesOf(items)]).toEqual([
        ['talon-0', 'talon-1'],
        ['data-talon-0', 'data-talon-1'],
      ])
    })

    it('keeps the secrets over an upgrade, and over an uninstallation', async () => {
      const before = await secretOf()
      expect(Object.keys(before ?? {}).toSorted()).toEqual([
        'deduplication-secret',
        'operator-token',
        'scraper-token',
        'sender-password',
      ])
      for (const args of [['upgrade'], ['uninstall'], ['install']]) {
        const chart = args[0] === 'uninstall' ? [] : [CHART]
        const { status, output } = helm.run([...args, RELEASE, ...chart, ...at()])
        expect([status, output]).toEqual([0, expect.any(String)])
        expect(await secretOf()).toEqual(before)
      }
    })

    it('answers an event by the starter rules under exactly the role of the chart', async () => {
      const account = { namespace: own, name: RELEASE }
      const rightTo = (resource: string, verb: string) => mayDo({ ...account, resource, verb }, cluster)
      expect([await rightTo('secrets', 'get'), await rightTo('secrets', 'list')]).toEqual([false, false])
      await until(async () => (await rightTo('pods', 'patch')) || undefined, 'the role is in force')

      const folder = mkdtempSync(join(tmpdir(), 'talon-e2e-chart-'))
      const kubeconfig = join(folder, 'kubeconfig')
      writeFileSync(kubeconfig, await kubeconfigOf(cluster, own, RELEASE))
      const server = await startMounted({ manifests: helm.render(own), kubeconfig, namespace: own })
      try {
        const elsewhere = await cluster.newNamespace()
        await cluster.runPod(elsewhere, 'victim')
        const event = falcoEvent('Terminal shell in container', {
          'k8s.ns.name': elsewhere,
          'k8s.pod.name': 'victim',
          'container.id': '',
        })
        expect((await server.post(event)).status).toBe(202)
        const reasons = await until(async () => {
          const { items } = await cluster.core.listNamespacedEvent({ namespace: elsewhere })
          const told = items.map(({ reason }) => reason ?? '').filter((reason) => reason.startsWith('falco-talon:'))
          return told.length >= 2 ? told.toSorted() : undefined
        }, `two actions are told:\n${server.output()}`)
        expect(reasons).toEqual(['falco-talon:kubernetes:label:success', 'falco-talon:kubernetes:log:success'])
        const lease = await cluster.objects.read({
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name: 'talon', namespace: own },
        })
        expect(lease.metadata?.name).toBe('talon')
      } finally {
        await server.stop()
        rmSync(folder, { recursive: true })
      }
    })
  })
})
