// The ramp: 0→10→50→50→0 users, who ask, think for a tenth of a second and ask again. Each service has its turn alone.
//
//     k6 run k6/pool-exhaustion.js                      the services of the lab, 74 s each
//     k6 run -e STAGE_S=1 -e HOLD_MS=200 …              the same story five times as fast
//     k6 run -e BASE_URL=http://localhost:8001 …        one service
//     k6 run -e MIN_SERVED=1 …                          exit status 99 where any request is rejected
//
// Environment: the settings of services.js; STAGE_S (5: the stages take 2, 3, 5 and 2 of these), THINK_S (0.1).
// Prints a table. The exit status is 0 also when a pool runs dry; not when anything but 200 and its 503 comes.

import { sleep } from 'k6';

import { GRACE, ask, current, number, optionsFor } from './services.js';
import { summary } from './summary.js';

export { setup } from './services.js';

const STAGE_S = number('STAGE_S', 5);
const THINK_S = number('THINK_S', 0.1);
const STAGES = [
  { target: 10, duration: `${2 * STAGE_S}s` },
  { target: 50, duration: `${3 * STAGE_S}s` },
  { target: 50, duration: `${5 * STAGE_S}s` },
  { target: 0, duration: `${2 * STAGE_S}s` },
];
const SECONDS = 12 * STAGE_S;

export const options = optionsFor(
  { executor: 'ramping-vus', stages: STAGES, gracefulRampDown: GRACE, gracefulStop: GRACE },
  SECONDS,
);

export default function () {
  ask(current());
  sleep(THINK_S);
}

export function handleSummary(data) {
  const users = [0, ...STAGES.map(({ target }) => target)].join('→');
  return summary(`pool-exhaustion: ${users} users in ${SECONDS} s, ${THINK_S} s to think`, data);
}
