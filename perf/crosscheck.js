// The load of the cross-check for k6: users without think time (USERS), or requests at a fixed rate (RATE a second).
//
// In: URL, SECONDS, and either USERS or RATE. Out: k6's own record of every request, by `--out json`.

import http from 'k6/http';

const { URL, SECONDS, USERS, RATE } = __ENV;
const duration = `${SECONDS}s`;

export const options = {
  scenarios: {
    load: USERS
      ? { executor: 'constant-vus', vus: Number(USERS), duration }
      : { executor: 'constant-arrival-rate', rate: Number(RATE), timeUnit: '1s', duration, preAllocatedVUs: Number(RATE) },
  },
};

export default function () {
  http.get(URL);
}
