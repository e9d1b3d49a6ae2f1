// The table at the end, from k6's summary data: a column for each service.

import { targets } from './services.js';

const LEGEND = `
  served: 200. rejected: 503, no connection within the acquire timeout. unexpected: anything else, and then the
  exit status is not 0. goodput: served per second, from the first request to the last answer.
`;

/** `spread`: show too how far apart the first and the last request were sent. */
export function summary(title, data, { spread } = {}) {
  const settings = data.setup_data;
  if (!settings) return {}; // `setup` has said what is the matter
  const columns = targets.map(({ name }, nth) => column(name, settings[nth], data.metrics));
  const labels = Object.keys(columns[0]).filter((label) => spread || label !== 'sent within (ms)');
  const first = Math.max(...labels.map((label) => label.length));
  const widths = columns.map((cells) => Math.max(...labels.map((label) => cells[label].length)));
  const lines = labels.map((label) => {
    const cells = columns.map((cells, nth) => `  ${cells[label].padStart(widths[nth])}`);
    return `  ${label.padEnd(first)}${cells.join('')}`;
  });
  return { stdout: `\n${title}\n\n${lines.join('\n')}\n${LEGEND}` };
}

/** One service's cells, by their labels, in the order in which they are shown. */
function column(name, { service, pool, holdMs, acquireTimeoutS }, metrics) {
  const values = (metric) => metrics[`${metric}{service:${name}}`].values;
  const served = values('served_share').passes;
  const time = (metric, quantile) => (served ? three(values(metric)[quantile]) : 'not served');
  const { min: firstSent, max: lastSent } = values('sent_at_ms');
  const took = values('answered_at_ms').max - firstSent;
  return {
    '': service,
    pool: `${pool}`,
    'hold (ms)': `${holdMs}`,
    'acquire timeout (s)': `${acquireTimeoutS}`,
    sent: `${values('sent').count}`,
    served: `${served}`,
    rejected: `${values('timed_out').count}`,
    unexpected: `${values('unexpected').count}`,
    'goodput (1/s)': took > 0 ? three((served * 1000) / took) : '-',
    'latency p50, served (ms)': time('latency_ms', 'p(50)'),
    'latency p95, served (ms)': time('latency_ms', 'p(95)'),
    'latency p99, served (ms)': time('latency_ms', 'p(99)'),
    'acquire p50, served (ms)': time('acquire_ms', 'p(50)'),
    'acquire p95, served (ms)': time('acquire_ms', 'p(95)'),
    'acquire p99, served (ms)': time('acquire_ms', 'p(99)'),
    'sent within (ms)': `${lastSent - firstSent}`,
  };
}

/** Three digits that mean something. */
function three(value) {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}
