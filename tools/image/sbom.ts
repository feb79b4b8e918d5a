import { Contrib, Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library'
import { PackageURL } from 'packageurl-js'
import parse from 'spdx-expression-parse'
import type { Manifest, Package } from './package.ts'

const licences = new Contrib.License.Factories.LicenseFactory(parse)
const components = new Contrib.FromNodePackageJson.Builders.ComponentBuilder(
  new Contrib.FromNodePackageJson.Factories.ExternalReferenceFactory(),
  licences,
)

/**
 * The bill of materials of the folder, CycloneDX 1.6 as JSON: Talon, and every package of which something is in it.
 * The same packages give the same text: it bears neither time nor serial number, the attestation of a release does.
 */
export function sbom(talon: Package, packages: readonly Package[]): string {
  const bom = new Models.Bom()
  const main = componentOf(talon.manifest, Enums.ComponentType.Application)
  bom.metadata.component = main
  bom.metadata.lifecycles.add(Enums.LifecyclePhase.Build)
  for (const { manifest } of packages) {
    const component = componentOf(manifest, Enums.ComponentType.Library)
    bom.components.add(component)
    main.dependencies.add(component.bomRef)
  }
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 })}\n`
}

function componentOf(manifest: Manifest, type: Enums.ComponentType): Models.Component {
  const component = components.makeComponent({ ...manifest }, type)
  if (!component) throw new Error(`${manifest.name} cannot be listed`)
  component.licenses.forEach((licence) => (licence.acknowledgement = Enums.LicenseAcknowledgement.Declared))
  component.purl = purlOf(manifest)
  component.bomRef.value = component.purl
  return component
}

/** `pkg:npm/%40talon/core@0.1.0` */
function purlOf({ name, version }: Manifest): string {
  const [local = '', scope] = name.split('/').toReversed()
  return new PackageURL('npm', scope, local, version, undefined, undefined).toString()
}
