// The services that a script loads, one after another, and one request to one of them, recorded.
//
// Environment: BASE_URL (one service), or BASE_URLS (several, by commas), or neither: the lab's usual ones on this machine,
//     from BASE_PORT on where that is set.
//     HOLD_MS (by default each service's own hold), DRAIN_S (12: the longest that one answer may take),
//     MIN_SERVED (0: the share that must be served, 0 to 1).
// Exports targets, the options that every script has, and counts and times with the tag `service`.

import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Rate, Trend } from 'k6/metrics';

// lab:begin, made by `make generate` from services/stacks.py
const LAB = {
  asyncpg_fastapi: 8000,
  psycopg_flask: 8001,
  sqlalchemy_fastapi: 8002,
  psycopg_fastapi: 8003,
  sqlalchemy_flask: 8004,
  sqlalchemy_fastapi_threads: 8005,
  psycopg_django: 8006,
};
const MORE = [
  'psycopg_fastapi',
  'sqlalchemy_flask',
  'sqlalchemy_fastapi_threads',
  'psycopg_django',
];
// lab:end

const sent = new Counter('sent');
const servedShare = new Rate('served_share');
const timedOut = new Counter('timed_out');
const unexpected = new Counter('unexpected');
// Of what was served alone: a request that timed out has waited for the acquire timeout.
const latency = new Trend('latency_ms');
const acquire = new Trend('acquire_ms');
const sentAt = new Trend('sent_at_ms');
const answeredAt = new Trend('answered_at_ms');

// A dry pool says 503: that is what these scripts are for, and no failure.
http.setResponseCallback(http.expectedStatuses(200, 503));

/** A setting from the environment; `fallback` where it is not set. */
export function number(name, fallback) {
  const text = __ENV[name];
  if (!text) return fallback;
  const value = Number(text);
  if (!(value >= 0)) throw new Error(`${name} must be a number from 0 up, not ${text}`);
  return value;
}

const HOLD_MS = number('HOLD_MS', null);
const DRAIN_S = number('DRAIN_S', 12);
const MIN_SERVED = number('MIN_SERVED', 0);
const PATH = HOLD_MS === null ? '/api/query' : `/api/query?hold_ms=${HOLD_MS}`;

/** For `gracefulStop`: a request that gets no answer is given up, and counted, before its user is cut off. */
export const GRACE = `${DRAIN_S + 1}s`;

const BASE_PORT = number('BASE_PORT', 0);
const portOf = (name) => (BASE_PORT ? BASE_PORT + Object.keys(LAB).indexOf(name) : LAB[name]);
const usual = () => Object.keys(LAB).filter((name) => !MORE.includes(name));
const lab = () => usual().map((name) => `http://127.0.0.1:${portOf(name)}`);
const urls = __ENV.BASE_URL || __ENV.BASE_URLS || lab().join();
export const targets = urls.split(',').map((text) => {
  const url = text.trim().replace(/\/+$/, '');
  const [, host, port] = url.match(/^https?:\/\/([^/:]+)(?::(\d+))?/) || [];
  if (!host) throw new Error(`not a base URL: ${text}; write it as http://host:port`);
  const here = host === '127.0.0.1' || host === 'localhost';
  const known = Object.keys(LAB).find((name) => name === host || (here && String(portOf(name)) === port));
  return { url, name: known || `${host}_${port || ''}`.replace(/\W/g, '_') };
});

/** The options of a script whose load `scenario` takes `seconds` and GRACE; each target has its turn alone. */
export function optionsFor(scenario, seconds) {
  const scenarios = {};
  const thresholds = { http_req_failed: ['rate==0'] };
  targets.forEach(({ name }, turn) => {
    const startTime = `${turn * (seconds + DRAIN_S + 2)}s`;
    scenarios[name] = Object.assign({ startTime, tags: { service: name } }, scenario);
    thresholds[`sent{service:${name}}`] = ['count>0'];
    thresholds[`unexpected{service:${name}}`] = ['count==0'];
    thresholds[`served_share{service:${name}}`] = [`rate>=${MIN_SERVED}`];
    // Nothing is asked of these; being named here is what has k6 keep them by service.
    for (const metric of ['timed_out', 'latency_ms', 'acquire_ms', 'sent_at_ms', 'answered_at_ms']) {
      thresholds[`${metric}{service:${name}}`] = [];
    }
  });
  return { scenarios, thresholds, summaryTrendStats: ['min', 'max', 'p(50)', 'p(95)', 'p(99)'] };
}

/** Before the load: every target must answer. Returns what each is and is set to, for the summary. */
export function setup() {
  return targets.map(({ url }) => {
    const health = http.get(`${url}/health`);
    if (health.status !== 200) {
      const what = health.status ? `answers ${health.status}` : `gives no answer (${health.error})`;
      throw new Error(`${url}/health ${what}: start the services, or say where they are by BASE_URL`);
    }
    const config = http.get(`${url}/admin/config`).json();
    const holdMs = HOLD_MS === null ? config.work_time_ms : HOLD_MS;
    const longest = config.pool_acquire_timeout + holdMs / 1000;
    if (longest >= DRAIN_S) {
      throw new Error(`an answer of ${url} may take ${longest} s: say DRAIN_S=${Math.ceil(longest) + 1}`);
    }
    return { service: config.service, pool: config.pool_max_size, holdMs, acquireTimeoutS: config.pool_acquire_timeout };
  });
}

/** The target whose turn it is. */
export function current() {
  return targets.find(({ name }) => name === exec.scenario.name);
}

/** Opens this user's connection, and has it carry one GET /health. */
export function warm({ name, url }) {
  const answer = http.get(`${url}/health`);
  if (answer.status !== 200) surprise(name, answer);
}

/** One request that wants a connection, and what became of it. */
export function ask({ name, url }) {
  const tags = { service: name };
  sent.add(1, tags);
  sentAt.add(Date.now(), tags);
  const answer = http.get(url + PATH, { timeout: DRAIN_S * 1000 });
  answeredAt.add(Date.now(), tags);
  const acquireMs = answer.status === 200 ? said(answer, 'timing.acquire_time_ms') : undefined;
  servedShare.add(acquireMs !== undefined, tags);
  if (acquireMs !== undefined) {
    latency.add(answer.timings.duration, tags);
    acquire.add(acquireMs, tags);
  } else if (answer.status === 503 && ['pool_exhausted', 'pool_growing'].includes(said(answer, 'detail.error'))) {
    timedOut.add(1, tags);
  } else {
    surprise(name, answer); // a 503 too, where it is the database that is away
  }
}

/** A value of the body; undefined where there is none, or no JSON. */
function said(answer, path) {
  try {
    return answer.json(path);
  } catch (_) {
    return undefined;
  }
}

let told = false;

/** Counted always, and told once a user: a service that is down would say it thousands of times. */
function surprise(name, answer) {
  unexpected.add(1, { service: name });
  if (!told) console.error(`${name}: ${answer.status ? `${answer.status} ${answer.body}` : answer.error}`);
  told = true;
}
