import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type Dashboard,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { sections, type Panel } from './panels.ts'

/** Columns of Grafana's grid, of 24. */
const WIDTH = { number: 4, graph: 8 }
const HEIGHT = { number: 4, graph: 8 }
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }

/** The dashboard for Grafana 11 and later, built with Grafana's own types. */
export function dashboard(): Dashboard {
  const builder = new DashboardBuilder('Talon')
    .uid('talon')
    .description('What Talon takes, does, stores and tells')
    .tags(['talon', 'falco'])
    .refresh('30s')
    .time({ from: 'now-6h', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
  let id = 0
  for (const { title, panels } of sections) {
    builder.withRow(new RowBuilder(title).id(++id))
    for (const panel of panels) builder.withPanel(panelOf(panel).id(++id))
  }
  return builder.build()
}

function panelOf({ kind, title, description, unit, queries, alarm }: Panel): StatBuilder | TimeseriesBuilder {
  const builder = kind === 'number' ? new StatBuilder() : new TimeseriesBuilder().fillOpacity(10).min(0)
  builder.title(title).description(description).unit(unit).datasource(DATASOURCE).span(WIDTH[kind]).height(HEIGHT[kind])
  if (alarm) builder.thresholds(thresholds(alarm))
  for (const [index, { expr, legend }] of queries.entries()) {
    const query = new DataqueryBuilder()
      .expr(expr)
      .legendFormat(legend)
      .refId(String.fromCharCode(65 + index))
    builder.withTarget(kind === 'number' ? query.instant() : query.range())
  }
  return builder
}

function thresholds({ at, below }: NonNullable<Panel['alarm']>): ThresholdsConfigBuilder {
  const [first, second] = below ? (['red', 'green'] as const) : (['green', 'red'] as const)
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: first },
    { value: at, color: second },
  ])
}

/** As it lies in docs/observability. */
export const dashboardText = () => `${JSON.stringify(dashboard(), null, 2)}\n`
