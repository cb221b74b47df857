// Holds every dashboard, and the options of every panel, against the types of @grafana/schema: the
// JSON becomes typed constants of one file, which the TypeScript compiler then checks.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';

const dashboards = '../dashboards/';
const types = './node_modules/@grafana/schema/dist/types/raw/composable';
const panels = {
  stat: 'Stat', timeseries: 'TimeSeries', 'state-timeline': 'StateTimeline', table: 'Table',
  bargauge: 'BarGauge', heatmap: 'Heatmap',
};

// Enumerations are strings in JSON.
const lines = [
  `import type { Dashboard } from '@grafana/schema';`,
  'type Json<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T',
  '  : T extends (infer U)[] ? Json<U>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;',
];
for (const name of Object.values(panels)) {
  const folder = `${types}/${name.toLowerCase()}/panelcfg/x`;
  const file = readdirSync(folder).find((file) => file.endsWith('_types.gen.d.ts'));
  lines.push(`import type * as ${name} from '${folder}/${file.replace('.d.ts', '')}';`);
}
let count = 0;
const typed = (type, value) => {
  lines.push(`export const v${count}: Json<${type}> = ${JSON.stringify(value)};`);
  count += 1;
};
for (const file of readdirSync(dashboards)) {
  const dashboard = JSON.parse(readFileSync(dashboards + file));
  for (const panel of dashboard.panels.filter((panel) => panel.type !== 'row')) {
    const name = panels[panel.type];
    if (!name) throw new Error(`${file}: the type ${panel.type} is not checked`);
    typed(`${name}.Options`, panel.options);
    const custom = panel.fieldConfig.defaults.custom;
    if (custom && name !== 'Table') typed(`${name}.FieldConfig`, custom);
    // What belongs to the data source is not part of the schema.
    panel.targets = panel.targets.map(({ refId, datasource }) => ({ refId, datasource }));
  }
  for (const annotation of dashboard.annotations.list) {
    for (const key of ['expr', 'step', 'titleFormat', 'textFormat', 'tagKeys', 'useValueForTime', 'target']) {
      delete annotation[key];
    }
  }
  typed('Dashboard', dashboard);
}
writeFileSync('checked.ts', lines.join('\n') + '\n');
const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext', '--moduleResolution', 'bundler'];
try {
  execFileSync('node', ['node_modules/typescript/bin/tsc', ...flags, 'checked.ts'], { stdio: 'inherit' });
} catch {
  process.exit(1);
}
console.log(`${count} values fit the types of @grafana/schema`);
