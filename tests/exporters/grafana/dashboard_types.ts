// SPDX-License-Identifier: GPL-2.0-only
// What a dashboard of vmflow may look like: Grafana's own types, with the options of each kind of panel, and narrower where vmflow wants
// more than Grafana does (a description, an empty state, no fixed data source). Grafana's types take any options of any panel.
import type * as schema from '@grafana/schema';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** T as JSON has it: an enum is one of its values. */
export type Json<T> = T extends string
  ? `${T}`
  : T extends number
    ? `${T}` extends `${infer N extends number}` ? N : never
    : T extends boolean | null | undefined
      ? T
      : T extends Array<infer E>
        ? Array<Json<E>>
        : T extends object
          ? { [K in keyof T]: Json<T[K]> }
          : T;

type Without<T, K extends keyof T> = { [P in keyof T as P extends K ? never : P]: T[P] };

interface DataSource {
  type: 'prometheus';
  uid: '${datasource}';
}

interface Target {
  datasource: DataSource;
  refId: string;
  editorMode: 'code';
  expr: string;
  legendFormat: string;
  format: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  range: boolean;
}

interface DataLink {
  title: string;
  url: string;
  targetBlank: boolean;
}

type Defaults<C> = Without<Json<schema.FieldConfig>, 'custom' | 'links' | 'unit' | 'noValue' | 'thresholds'> & {
  unit: string;
  noValue: string;
  thresholds: Json<schema.ThresholdsConfig>;
  links?: DataLink[];
  custom?: Json<C>;
};

type Property =
  | { id: 'color'; value: Json<schema.FieldColor> }
  | { id: 'unit'; value: string }
  | { id: 'decimals'; value: number }
  | { id: 'thresholds'; value: Json<schema.ThresholdsConfig> }
  | { id: 'mappings'; value: Array<Json<schema.ValueMapping>> }
  | { id: 'links'; value: DataLink[] }
  | { id: 'custom.width'; value: number }
  | { id: 'custom.cellOptions'; value: Json<schema.TableCellOptions> };

interface FieldConfig<C> {
  defaults: Defaults<C>;
  overrides: Array<{ matcher: { id: 'byName'; options: string }; properties: Property[] }>;
}

type Transformation =
  | { id: 'merge'; options: Record<string, never> }
  | {
      id: 'organize';
      options: {
        excludeByName: Record<string, boolean>;
        indexByName: Record<string, number>;
        renameByName: Record<string, string>;
      };
    };

type Place = Without<
  Json<schema.Panel>,
  'type' | 'options' | 'fieldConfig' | 'targets' | 'datasource' | 'transformations' | 'title' | 'description' | 'id' | 'gridPos' | 'interval'
> & {
  id: number;
  title: string;
  description: string;
  gridPos: Json<schema.GridPos>;
};

type MetricPanel<Type extends string, Options, Custom = Record<string, never>> = Place & {
  type: Type;
  datasource: DataSource;
  interval: '10s';
  targets: Target[];
  transformations?: Transformation[];
  options: Json<Options>;
  fieldConfig: FieldConfig<Custom>;
};

type Panel =
  | MetricPanel<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | MetricPanel<'stat', stat.Options>
  | MetricPanel<'bargauge', bargauge.Options>
  | MetricPanel<'heatmap', heatmap.Options, heatmap.FieldConfig>
  | MetricPanel<'table', table.Options, table.FieldConfig>
  | (Place & { type: 'text'; options: Json<text.Options> })
  | { id: number; type: 'row'; title: string; gridPos: Json<schema.GridPos>; collapsed: false; panels: [] };

type Annotation = Without<Json<schema.AnnotationQuery>, 'datasource' | 'target' | 'snapshotData'> & {
  datasource: DataSource;
  target: { refId: string; expr: string; interval: string; legendFormat: string; range: boolean; instant: boolean };
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
};

type Variable = Without<Json<schema.VariableModel>, 'datasource' | 'query' | 'label' | 'description' | 'current'> & {
  datasource?: DataSource;
  query: string | { qryType: 5; query: string; refId: string }; // 5: shown as it is written
  label: string;
  description: string;
  current: Json<schema.VariableOption> | Record<string, never>;
};

export type Dashboard = Without<
  Json<schema.Dashboard>,
  'id' | 'uid' | 'title' | 'description' | 'panels' | 'annotations' | 'templating' | 'refresh' | 'time' | 'schemaVersion'
> & {
  uid: `vmflow-${string}`;
  title: `vmflow: ${string}`;
  description: string;
  schemaVersion: 41; // Grafana 12.0; later ones migrate it
  refresh: '10s';
  time: { from: 'now-30m'; to: 'now' };
  annotations: { list: Annotation[] };
  templating: { list: Variable[] };
  panels: Panel[];
};

// What is narrower is still Grafana's.
type Grafana = Without<Json<schema.Dashboard>, 'panels' | 'annotations' | 'templating'>;
export const fits = (dashboard: Dashboard): Grafana => dashboard;
