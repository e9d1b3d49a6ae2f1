// The burst: BURST users, each on a connection of their own that is open already, ask once, all at the same moment.
//
//     k6 run k6/concurrent-burst.js                     50 at once, the services of the lab in turn
//     k6 run -e BURST=10 -e BASE_URL=http://localhost:8001 …
//
// Environment: the settings of services.js; BURST (50), WARM_S (2: from opening the connections to the moment).
// Prints a table. The exit status is 0 also when a pool runs dry; not when anything but 200 and its 503 comes.

import { sleep } from 'k6';
import exec from 'k6/execution';

import { GRACE, ask, current, number, optionsFor, warm } from './services.js';
import { summary } from './summary.js';

export { setup } from './services.js';

const BURST = number('BURST', 50);
const WARM_S = number('WARM_S', 2);

export const options = optionsFor(
  // k6 wants a second at least; who has sent by then has GRACE left for the answer.
  { executor: 'per-vu-iterations', vus: BURST, iterations: 1, maxDuration: `${WARM_S + 1}s`, gracefulStop: GRACE },
  WARM_S,
);

export default function () {
  const target = current();
  warm(target);
  const left = exec.scenario.startTime + WARM_S * 1000 - Date.now();
  if (left > 0) sleep(left / 1000);
  ask(target);
}

export function handleSummary(data) {
  return summary(`concurrent-burst: ${BURST} at once`, data, { spread: true });
}
